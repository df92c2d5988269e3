using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Generation;

/// <summary>What generation_config.json (else config.json) says.</summary>
internal sealed record GenerationDefaults
{
    private const int DefaultMaxNewTokens = 512;

    /// <summary>Ids that end an answer; empty where the files name none.</summary>
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

    /// <summary>Reads generation_config.json, and the stop ids from config.json where it names none.</summary>
    /// <exception cref="CheckpointException">A value has another form than expected or is out of range; the
    /// message lists every such value.</exception>
    public static GenerationDefaults Read(CheckpointFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var problems = new List<string>();
        const string File = "generation_config.json";
        var json = folder.GenerationConfig;
        var stop = StopIdsOf(json, File, problems);
        if (stop.Count == 0) stop = StopIdsOf(folder.Config, "config.json", problems);
        foreach (var part in (string[])["text_config", "llm_config"])
        {
            if (stop.Count == 0 && folder.Config.TryGetProperty(part, out var text))
                stop = StopIdsOf(text, $"config.json:{part}", problems);
        }

        var result = new GenerationDefaults
        {
            StopIds = stop,
            Sample = json.TryGetProperty("do_sample", out var s) && s.ValueKind == JsonValueKind.True,
            Temperature = Number("temperature", 0, 100),
            TopP = Number("top_p", double.Epsilon, 1),
            TopK = (int?)Number("top_k", 0, 10_000_000),
            RepetitionPenalty = Number("repetition_penalty", double.Epsilon, 100),
        };
        return problems.Count == 0 ? result : throw new CheckpointException(folder.Path, problems);

        double? Number(string key, double min, double max)
        {
            if (!json.TryGetProperty(key, out var v) || v.ValueKind == JsonValueKind.Null) return null;
            if (v.ValueKind == JsonValueKind.Number && v.TryGetDouble(out var d) && d >= min && d <= max) return d;
            problems.Add($"{File}:{key} is {v.GetRawText()}; expected a number {(min > 0 ? "above 0" : "of at least 0")} and at " +
                $"most {max}.");
            return null;
        }
    }

    private static HashSet<int> StopIdsOf(JsonElement json, string where, List<string> problems)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("eos_token_id", out var eos)
            || eos.ValueKind == JsonValueKind.Null) return [];
        var ids = new HashSet<int>();
        foreach (var e in eos.ValueKind == JsonValueKind.Array ? eos.EnumerateArray().ToArray() : [eos])
        {
            if (e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var id) && id >= 0) ids.Add(id);
            else problems.Add($"{where}:eos_token_id holds {e.GetRawText()}; expected ids of tokens, whole numbers from 0 to " +
                $"{int.MaxValue}.");
        }

        return ids;
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
        Check(r.RepetitionPenalty is null or (> 0 and <= 100), nameof(r.RepetitionPenalty), r.RepetitionPenalty,
            "greater than 0 and at most 100");
        Check(r.FrequencyPenalty is null or (>= -100 and <= 100), nameof(r.FrequencyPenalty), r.FrequencyPenalty, "between -100 and 100");
        Check(r.PresencePenalty is null or (>= -100 and <= 100), nameof(r.PresencePenalty), r.PresencePenalty, "between -100 and 100");
        Check(r.StopSequences.All(s => !string.IsNullOrEmpty(s)), nameof(r.StopSequences), "an empty text",
            "texts of at least one character");
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
