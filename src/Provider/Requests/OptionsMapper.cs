using System.Globalization;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>ChatOptions to settings, field by field; never changes the caller's instance.</summary>
internal sealed class OptionsMapper(D2PrunerChatClientOptions client, UnsupportedOptions unsupported, PrunerRegistry pruners)
{
    /// <summary>Reads and checks a request's options.</summary>
    /// <param name="options">The caller's options.</param>
    /// <param name="owner">The client, for the raw representation factory.</param>
    /// <param name="modelNames">The model's id and aliases.</param>
    /// <exception cref="ArgumentException">A value is out of range or unreadable.</exception>
    /// <exception cref="ModelMismatchException">Another model is asked for.</exception>
    /// <exception cref="NotSupportedException">Something that cannot be dropped without changing what was asked.</exception>
    public RequestSettings Map(ChatOptions? options, IChatClient owner, IReadOnlyCollection<string> modelNames)
    {
        if (options is null)
            return new RequestSettings { PrefixReuse = client.PrefixReuse,
                Generation = new GenerationSettings { MaxNewTokens = client.DefaultMaxOutputTokens }, Pruning = new() };

        unsupported.Check(options);
        var format = RequestField.In(
            nameof(options.ResponseFormat), () => AnswerFormat.Read(options.ResponseFormat, client.StrictOptions, unsupported));
        CheckModel(options.ModelId, modelNames);
        var raw = options.RawRepresentationFactory?.Invoke(owner) as VisionGenerationSettings;
        var properties = new PropertyReader(options.AdditionalProperties, "ChatOptions.AdditionalProperties");
        var known = D2PrunerKeys.RequestOf(pruners);
        if (properties.UnknownKeys(known).FirstOrDefault() is { } unknown)
            throw RequestField.Mark(new ArgumentException(
                $"Unknown key '{unknown}' in ChatOptions.AdditionalProperties; known keys: {string.Join(", ", known)}.", nameof(options)),
                unknown);

        var fromProperties = ReadPruning(properties, pruners);
        VisualPruningRules.ThrowIfInvalid(fromProperties, "request (AdditionalProperties)", pruners);
        if (raw is not null) VisualPruningRules.ThrowIfInvalid(raw.Pruning, "request (RawRepresentationFactory)", pruners);

        return new RequestSettings
        {
            Generation = MapGeneration(options, raw, properties),
            Preset = raw?.Preset ?? properties.Enum<PruningPreset>(D2PrunerKeys.Preset),
            Pruning = raw is null ? fromProperties : raw.Pruning.Over(fromProperties),
            PrefixReuse = raw?.PrefixReuse ?? properties.Enum<PrefixReuse>(D2PrunerKeys.Reuse) ?? client.PrefixReuse,
            IncludeScores = raw?.IncludeScores ?? properties.Bool(D2PrunerKeys.IncludeScores) ?? false,
            Instructions = string.IsNullOrEmpty(options.Instructions) ? null : options.Instructions,
            Schema = (options.ResponseFormat as ChatResponseFormatJson)?.Schema?.GetRawText(),
            Format = format,
            Tools = RequestField.In(
                nameof(options.Tools), () => new ToolMapper(client.StrictOptions, unsupported).Map(options, format)),
        };
    }

    /// <summary>Reads pruning settings; with methods their parameters too.</summary>
    internal static VisualPruningOptions ReadPruning(PropertyReader properties, PrunerRegistry? pruners = null)
    {
        var options = new VisualPruningOptions
        {
            Method = properties.String(D2PrunerKeys.Method),
            KeepRatio = properties.Double(D2PrunerKeys.KeepRatio),
            KeepTokens = properties.Int(D2PrunerKeys.KeepTokens),
            LayersBeforePruning = properties.Int(D2PrunerKeys.Layer),
            Alpha = properties.Double(D2PrunerKeys.Alpha),
            Theta = properties.Double(D2PrunerKeys.Theta),
            PivotRatio = properties.Double(D2PrunerKeys.PivotRatio),
            Rule = properties.Enum<PivotRule>(D2PrunerKeys.Rule),
            EvictEarlyKv = properties.Bool(D2PrunerKeys.EvictEarlyKv),
            Prior = properties.String(D2PrunerKeys.Prior),
        };
        foreach (var parameter in pruners?.Parameters ?? [])
        {
            var key = D2PrunerKeys.Of(parameter);
            if (D2PrunerKeys.Request.Contains(key)) continue;
            object? value = parameter.Choices.Count > 0 ? properties.String(key) : properties.Double(key);
            if (value is not null) options.With(parameter.Name, value);
        }

        return options;
    }

    private GenerationSettings MapGeneration(ChatOptions options, VisionGenerationSettings? raw, PropertyReader properties)
    {
        var topP = raw?.TopP ?? Widen(options.TopP);
        var topK = raw?.TopK ?? options.TopK;
        var temperature = raw?.Temperature ?? Widen(options.Temperature);
        // A caller who names a nucleus or a candidate count wants sampling; without a temperature the
        // engine would stay greedy and lose both.
        if (temperature is null && (topP is not null || topK is not null)) temperature = 1;

        var settings = new GenerationSettings
        {
            MaxNewTokens = raw?.MaxOutputTokens ?? options.MaxOutputTokens ?? client.DefaultMaxOutputTokens,
            Temperature = temperature,
            TopP = topP,
            TopK = topK,
            Seed = raw?.Seed ?? options.Seed,
            RepetitionPenalty = raw?.RepetitionPenalty ?? properties.Double(D2PrunerKeys.RepetitionPenalty),
            FrequencyPenalty = Widen(options.FrequencyPenalty),
            PresencePenalty = Widen(options.PresencePenalty),
            StopSequences = options.StopSequences is null ? [] : [.. options.StopSequences.Where(s => !string.IsNullOrEmpty(s))],
            IgnoreModelDefaults = raw?.IgnoreModelDefaults ?? false,
        };
        Require(settings.MaxNewTokens >= 1, "MaxOutputTokens", settings.MaxNewTokens, "at least 1");
        Require(settings.Temperature is null or >= 0, "Temperature", settings.Temperature, "0 (greedy) or more");
        Require(settings.TopP is null or (> 0 and <= 1), "TopP", settings.TopP, "greater than 0 and at most 1");
        Require(settings.TopK is null or >= 1, "TopK", settings.TopK, "at least 1");
        Require(settings.RepetitionPenalty is null or > 0, D2PrunerKeys.RepetitionPenalty, settings.RepetitionPenalty, "greater than 0");
        return settings;
    }

    private static void CheckModel(string? modelId, IReadOnlyCollection<string> modelNames)
    {
        if (string.IsNullOrEmpty(modelId) || modelNames.Contains(modelId, StringComparer.OrdinalIgnoreCase)) return;
        throw new ModelMismatchException(modelId, modelNames.First());
    }

    private static void Require(bool condition, string name, object? value, string expected)
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(
                name, value, $"{name} is {Convert.ToString(value, CultureInfo.InvariantCulture)}; it must be {expected}.");
    }

    // Through text, so that 0.7f arrives as 0.7.
    private static double? Widen(float? value) =>
        value is { } v ? double.Parse(v.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : null;
}
