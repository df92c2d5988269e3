namespace D2Pruner.AI.Runtime;

/// <summary>Sampling and length settings of one request; null takes generation_config.json's value, then the default named here.</summary>
public sealed record GenerationSettings
{
    /// <summary>Upper bound of generated tokens, at least 1; default 512 (capped by the context).</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Softmax temperature; 0 means greedy. Default: greedy unless the model's own configuration samples.</summary>
    public double? Temperature { get; init; }

    /// <summary>Nucleus mass in (0, 1].</summary>
    public double? TopP { get; init; }

    /// <summary>Number of candidates, at least 1.</summary>
    public int? TopK { get; init; }

    /// <summary>Seed of this request's own random generator; null draws one.</summary>
    public long? Seed { get; init; }

    /// <summary>Multiplicative penalty of ids in prompt and output (CTRL style), greater than 0; 1 is off.</summary>
    public double? RepetitionPenalty { get; init; }

    /// <summary>Additive penalty per earlier occurrence in the output.</summary>
    public double? FrequencyPenalty { get; init; }

    /// <summary>Additive penalty for any earlier occurrence in the output.</summary>
    public double? PresencePenalty { get; init; }

    /// <summary>Texts that end the answer; they are not part of it. Matched across token borders.</summary>
    public IReadOnlyList<string> StopSequences { get; init; } = [];

    /// <summary>True ignores every default of generation_config.json but its stop ids: plain greedy unless set here.</summary>
    public bool IgnoreModelDefaults { get; init; }

    /// <summary>
    /// Grammar that the answer follows; null for any text. An answer that its token limit cuts ends with
    /// <see cref="GenerationFinishReason.Length"/>, even where it could be completed in time.
    /// </summary>
    public AnswerGrammar? Grammar { get; init; }
}
