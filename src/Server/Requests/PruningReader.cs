using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Server;

/// <summary>The extension <c>pruning</c> of a request, and of one image.</summary>
internal static class PruningReader
{
    private const string Uniform = "uniform";

    // Field of the extension, and the provider's key.
    private static readonly (string Field, string Key)[] Fields =
    [
        ("preset", D2PrunerKeys.Preset), ("keep_ratio", D2PrunerKeys.KeepRatio), ("keep_tokens", D2PrunerKeys.KeepTokens),
            ("layer", D2PrunerKeys.Layer),
        ("method", D2PrunerKeys.Method), ("alpha", D2PrunerKeys.Alpha), ("theta", D2PrunerKeys.Theta),
        ("pivot_ratio", D2PrunerKeys.PivotRatio),
        ("prior", D2PrunerKeys.Prior), ("rule", D2PrunerKeys.Rule), ("evict_early_kv", D2PrunerKeys.EvictEarlyKv),
        ("include_scores", D2PrunerKeys.IncludeScores),
        ("reuse", D2PrunerKeys.Reuse),
    ];

    // The method's own parameters by name: docs/pruners.md.
    private const string Parameters = "parameters";

    private static readonly string[] ImageFields = ["preset", "keep_ratio", "keep_tokens"];

    /// <summary>Every field that a request may carry.</summary>
    public static IEnumerable<string> Known => Fields.Select(f => f.Field).Append(Parameters);

    /// <summary>The field of a request that a key of the provider stands for.</summary>
    public static string PathOf(string key) => Fields.FirstOrDefault(f => f.Key == key).Field is { } field
        ? $"pruning.{field}" : $"pruning.{Parameters}.{Short(key[D2PrunerKeys.Prefix.Length..])}";

    /// <summary>Reads a request's settings into options.</summary>
    public static void Read(JsonFields request, ChatOptions options)
    {
        if (request.Object("pruning") is not { } pruning) return;
        CheckNames(pruning, [.. Known]);
        foreach (var (field, key) in Fields)
        {
            if (Value(pruning, field) is not { } value) continue;
            (options.AdditionalProperties ??= [])[key] = value;
        }

        if (pruning.Object(Parameters) is { } parameters) ReadParameters(parameters, options);
        Exclusive(pruning);
    }

    /// <summary>Reads one image's settings.</summary>
    public static void Read(JsonFields part, AIContent image)
    {
        if (part.Object("pruning") is not { } pruning) return;
        CheckNames(pruning, ImageFields);
        foreach (var field in ImageFields)
        {
            if (Value(pruning, field) is { } value) (image.AdditionalProperties ??= [])[D2PrunerKeys.Prefix + field] = value;
        }

        Exclusive(pruning);
        if (pruning.String("preset") is { } preset && !preset.Equals(nameof(PruningPreset.None), StringComparison.OrdinalIgnoreCase))
            throw RequestException.Bad(
                pruning.PathOf("preset"),
                $"'{pruning.PathOf("preset")}' is '{preset}'; one image's own preset can only be 'none', for there is one prune point in " +
                "a request.");
    }

    // Names and ranges are the provider's to check; fields of the extension itself are no parameters.
    private static void ReadParameters(JsonFields parameters, ChatOptions options)
    {
        foreach (var property in parameters.Element.EnumerateObject())
        {
            var (key, path) = (D2PrunerKeys.Prefix + property.Name, parameters.PathOf(Short(property.Name)));
            if (D2PrunerKeys.Request.Contains(key, StringComparer.OrdinalIgnoreCase))
                throw RequestException.Bad(path, $"'{path}' is a field of 'pruning', not a parameter; set it there.");
            (options.AdditionalProperties ??= [])[key] = property.Value.ValueKind switch
            {
                JsonValueKind.Number => property.Value.GetDouble(),
                JsonValueKind.String => JsonFields.Text(property.Value, path),
                _ => throw JsonFields.Wrong(property.Value, path, "a number or a text"),
            };
        }
    }

    private static object? Value(JsonFields pruning, string field) => field switch
    {
        "preset" => Named<PruningPreset>(pruning, field),
        "rule" => Named<PivotRule>(pruning, field),
        "reuse" => Named<PrefixReuse>(pruning, field),
        "keep_ratio" => pruning.Number(field, 0, 1, minIsExclusive: true),
        "alpha" or "theta" or "pivot_ratio" => pruning.Number(field, 0, 1),
        "keep_tokens" => (int?)pruning.Integer(field, 1, int.MaxValue),
        "layer" => (int?)pruning.Integer(field, 0, 10_000),
        "evict_early_kv" or "include_scores" => pruning.Bool(field),
        "prior" => Prior(pruning, field),
        _ => pruning.String(field),
    };

    private static string? Named<TEnum>(JsonFields pruning, string field) where TEnum : struct, Enum
    {
        if (pruning.String(field) is not { } text) return null;
        return Enum.GetNames<TEnum>().FirstOrDefault(n => n.Equals(text, StringComparison.OrdinalIgnoreCase))
            ?? throw RequestException.Bad(
                pruning.PathOf(field), $"'{pruning.PathOf(field)}' is '{Short(text)}'; expected one of " +
                $"{string.Join(", ", Enum.GetNames<TEnum>()).ToLowerInvariant()}.");
    }

    // Names only, never paths: what a request may read was chosen by the operator.
    private static string? Prior(JsonFields pruning, string field)
    {
        var text = pruning.String(field);
        if (text is null) return text;
        // Whatever else an operator may call one; the client knows which are registered.
        if (string.IsNullOrWhiteSpace(text) || text.AsSpan().ContainsAny('/', '\\'))
            throw RequestException.Bad(
                pruning.PathOf(field), $"'{pruning.PathOf(field)}' is no name of a prior; expected '{Uniform}' or a name that the " +
                "operator registered.");
        return text;
    }

    private static void Exclusive(JsonFields pruning)
    {
        if (pruning.Find("keep_ratio") is not null && pruning.Find("keep_tokens") is not null)
            throw RequestException.Bad(
                pruning.PathOf("keep_tokens"), "'keep_ratio' and 'keep_tokens' exclude each other; set one of them.");
    }

    // This object is ours: a misspelt name in it would be lost in silence.
    private static void CheckNames(JsonFields pruning, string[] known)
    {
        foreach (var property in pruning.Element.EnumerateObject())
        {
            if (!known.Contains(property.Name))
                throw RequestException.Bad(
                    pruning.PathOf(Short(property.Name)),
                    $"'{pruning.PathOf(Short(property.Name))}' is unknown; known: {string.Join(", ", known)}.");
        }
    }

    private static string Short(string text) => text.Length <= 64 ? text : text[..64] + "...";
}
