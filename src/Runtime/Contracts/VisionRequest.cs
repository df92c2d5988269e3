using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime;

/// <summary>One request: turns of text and images, how to generate, how to prune.</summary>
public sealed record VisionRequest
{
    /// <summary>The conversation, oldest first.</summary>
    public required IReadOnlyList<ChatTurn> Turns { get; init; }

    /// <summary>Tools on offer; needs a model whose template has tools (<see cref="VisionModelInfo.SupportsTools"/>).</summary>
    public IReadOnlyList<ChatTool> Tools { get; init; } = [];

    /// <summary>Sampling and length.</summary>
    public GenerationSettings Generation { get; init; } = new();

    /// <summary>Pruning settings in force; null prunes nothing.</summary>
    public PruningSettings? Pruning { get; init; }

    /// <summary>The methods that <see cref="Pruning"/> may name.</summary>
    public PrunerRegistry Pruners { get; init; } = PrunerRegistry.BuiltIn;

    /// <summary>What may be taken over from earlier requests with the same beginning.</summary>
    public PrefixReuse PrefixReuse { get; init; }

    /// <summary>Limits on each image.</summary>
    public long? MaxImagePixels { get; init; }

    /// <summary>Keep the scores (attention, prior, relative attention) in the result; costs a few kilobytes per image.</summary>
    public bool IncludeScores { get; init; }
}
