using System.Text.Json;

namespace D2Pruner.AI.Runtime.Generation;

/// <summary>What generation_config.json (else config.json) says.</summary>
public sealed record GenerationDefaults
{
    private const int DefaultMaxNewTokens = 512;

    /// <summary>Ids that end an answer.</summary>
    public required IReadOnlySet<int> StopIds { get; init; }

    /// <summary>Sample unless the request is greedy.</summary>
    public bool Sample { get; init; }

    /// <summary>Temperature, or null.</summary>
    public double? Temperature { get; init; }

    /// <summary>Nucleus mass, or null.</summary>
    public double? TopP { get; init; }

    /// <summary>Candidates, or null.</summary>
    public int? TopK { get; init; }

    /// <summary>Repetition penalty, or null.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Reads the files.</summary>
    /// <param name="generation">generation_config.json, or an empty object.</param>
    /// <param name="fallbackStopIds">Stop ids when the file names none.</param>
    public static GenerationDefaults Read(JsonElement generation, IEnumerable<int> fallbackStopIds)
    {
        double? Number(string key) => generation.TryGetProperty(key, out var v) && v.ValueKind == JsonValueKind.Number ? v.GetDouble() : null;
        var stop = Ids(generation);
        return new GenerationDefaults
        {
            StopIds = stop.Count > 0 ? stop : fallbackStopIds.ToHashSet(),
            Sample = generation.TryGetProperty("do_sample", out var s) && s.ValueKind == JsonValueKind.True,
            Temperature = Number("temperature"),
            TopP = Number("top_p"),
            TopK = (int?)Number("top_k"),
            RepetitionPenalty = Number("repetition_penalty"),
        };
    }

    /// <summary>The stop ids that a configuration object names under <c>eos_token_id</c>: one or several.</summary>
    public static HashSet<int> Ids(JsonElement json)
    {
        if (!json.TryGetProperty("eos_token_id", out var eos)) return [];
        return eos.ValueKind switch
        {
            JsonValueKind.Number => [eos.GetInt32()],
            JsonValueKind.Array => [.. eos.EnumerateArray().Select(e => e.GetInt32())],
            _ => [],
        };
    }

    /// <summary>Checks a request's settings and puts them over the model's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A setting is outside its range.</exception>
    public ResolvedGeneration Merge(GenerationSettings r)
    {
        ArgumentNullException.ThrowIfNull(r);
        Check(r.MaxNewTokens is null or >= 1, nameof(r.MaxNewTokens), r.MaxNewTokens, "at least 1");
        Check(r.Temperature is null or (>= 0 and <= 100), nameof(r.Temperature), r.Temperature, "between 0 and 100");
        Check(r.TopP is null or (> 0 and <= 1), nameof(r.TopP), r.TopP, "greater than 0 and at most 1");
        Check(r.TopK is null or >= 1, nameof(r.TopK), r.TopK, "at least 1");
        Check(r.RepetitionPenalty is null or (> 0 and <= 100), nameof(r.RepetitionPenalty), r.RepetitionPenalty, "greater than 0 and at most 100");
        Check(r.FrequencyPenalty is null or (>= -100 and <= 100), nameof(r.FrequencyPenalty), r.FrequencyPenalty, "between -100 and 100");
        Check(r.PresencePenalty is null or (>= -100 and <= 100), nameof(r.PresencePenalty), r.PresencePenalty, "between -100 and 100");
        Check(r.StopSequences.All(s => !string.IsNullOrEmpty(s)), nameof(r.StopSequences), "an empty text", "texts of at least one character");
        var model = r.IgnoreModelDefaults ? new GenerationDefaults { StopIds = StopIds } : this;
        var temperature = r.Temperature ?? model.Temperature ?? 1;
        var asked = r.Temperature > 0 || r.TopP is not null || r.TopK is not null;
        var sample = r.Temperature != 0 && (asked || model.Sample) && temperature > 1e-5;
        return new ResolvedGeneration
        {
            MaxNewTokens = r.MaxNewTokens ?? DefaultMaxNewTokens,
            Greedy = !sample,
            Temperature = temperature,
            TopP = r.TopP ?? model.TopP ?? 1,
            TopK = r.TopK ?? model.TopK ?? 0,
            Seed = r.Seed ?? Random.Shared.NextInt64(),
            RepetitionPenalty = r.RepetitionPenalty ?? model.RepetitionPenalty ?? 1,
            FrequencyPenalty = r.FrequencyPenalty ?? 0,
            PresencePenalty = r.PresencePenalty ?? 0,
            StopSequences = r.StopSequences,
            StopIds = StopIds,
        };

        static void Check(bool ok, string name, object? found, string expected)
        {
            if (!ok) throw new ArgumentOutOfRangeException(name, found, $"{name} must be {expected}.");
        }
    }
}
