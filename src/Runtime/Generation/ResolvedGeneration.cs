namespace D2Pruner.AI.Runtime.Generation;

/// <summary>Generation settings in force: request over model over defaults.</summary>
internal sealed record ResolvedGeneration
{
    /// <summary>Upper bound of generated tokens.</summary>
    public required int MaxNewTokens { get; init; }

    /// <summary>Take the best token instead of sampling.</summary>
    public required bool Greedy { get; init; }

    /// <summary>Softmax temperature.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Nucleus mass; 1 is off.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Candidates; 0 is off.</summary>
    public int TopK { get; init; }

    /// <summary>Seed of the request's generator.</summary>
    public long Seed { get; init; }

    /// <summary>Multiplicative penalty; 1 is off.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Additive penalty per occurrence.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Additive penalty for any occurrence.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Stop texts.</summary>
    public IReadOnlyList<string> StopSequences { get; init; } = [];

    /// <summary>Stop ids.</summary>
    public required IReadOnlySet<int> StopIds { get; init; }
}
