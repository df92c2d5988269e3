using D2Pruner.AI.Pruning;

namespace D2Pruner.AI;

/// <summary>Every key that this library reads from or writes to a property bag; all values are scalars or plain JSON.</summary>
internal static class D2PrunerKeys
{
    public const string Prefix = "d2pruner.";

    // Read from ChatOptions.AdditionalProperties (specification, "Settings").
    public const string Preset = "d2pruner.preset";
    public const string Method = "d2pruner.method";
    public const string KeepRatio = "d2pruner.keep_ratio";
    public const string KeepTokens = "d2pruner.keep_tokens";
    public const string Layer = "d2pruner.layer";
    public const string Alpha = "d2pruner.alpha";
    public const string Theta = "d2pruner.theta";
    public const string PivotRatio = "d2pruner.pivot_ratio";
    public const string Rule = "d2pruner.rule";
    public const string EvictEarlyKv = "d2pruner.evict_early_kv";
    public const string Prior = "d2pruner.prior";
    public const string RepetitionPenalty = "d2pruner.repetition_penalty";
    public const string IncludeScores = "d2pruner.include_scores";
    public const string Reuse = "d2pruner.reuse";

    // Written to the answer's message.
    public const string Report = "d2pruner.report";
    public const string Groundings = "d2pruner.groundings";
    public const string VisualTokens = "d2pruner.visual_tokens";
    public const string VisualTokensKept = "d2pruner.visual_tokens_kept";
    public const string InputTokensKept = "d2pruner.input_tokens_kept";

    // Written to each box annotation.
    public const string Box = "d2pruner.box";
    public const string Label = "d2pruner.label";
    public const string Image = "d2pruner.image";
    public const string ImageAssumed = "d2pruner.image_assumed";

    /// <summary>The keys that a request may carry whatever the methods.</summary>
    public static IReadOnlyList<string> Request { get; } =
    [
        Preset, Method, KeepRatio, KeepTokens, Layer, Alpha, Theta, PivotRatio, Rule, EvictEarlyKv, Prior, RepetitionPenalty,
            IncludeScores, Reuse,
    ];

    /// <summary>The key of a method's parameter.</summary>
    public static string Of(PrunerParameter parameter) => Prefix + parameter.Name;

    /// <summary>The keys that a request may carry: the fixed ones and those of the methods' parameters.</summary>
    public static IReadOnlyList<string> RequestOf(PrunerRegistry pruners) => [.. Request.Union(pruners.Parameters.Select(Of))];
}
