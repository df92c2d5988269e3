using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Generation.Constraints;
using D2Pruner.AI.Runtime.Prompts;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>A request that the engine can answer without looking at the caller's input again. Holds no tensor of its
/// own; cached features are leased.</summary>
internal sealed record PreparedRequest : IDisposable
{
    public required VisionRequest Request { get; init; }

    public required EncodedPrompt Prompt { get; init; }

    public required ResolvedGeneration Generation { get; init; }

    /// <summary>Tokens that still fit the context behind the prompt.</summary>
    public required int Room { get; init; }

    /// <summary>Per image of the prompt; the same object where an image appears twice.</summary>
    public IReadOnlyList<PreparedImage> Images { get; init; } = [];

    public TokenConstraint? Constraint { get; init; }

    /// <summary>Null prunes nothing.</summary>
    public PruningChoice? Pruning { get; init; }

    /// <summary>Most bytes of keys and values that the answer will hold.</summary>
    public long KvBytes { get; init; }

    public TimeSpan PreprocessTime { get; set; }

    public void Dispose()
    {
        foreach (var image in Images) image.Dispose();
    }
}

/// <summary>Pruning as it will happen.</summary>
/// <param name="Plan">Settings in force and the algorithm.</param>
/// <param name="Budgets">Per stage: n per image.</param>
/// <param name="Prior">The prior; null is uniform or one that is still being learned.</param>
internal sealed record PruningChoice(PruningPlan Plan, IReadOnlyList<int[]> Budgets, PositionalBiasPrior? Prior)
{
    public PruningSettings Settings => Plan.Settings;

    public IVisualTokenPruner Pruner => Plan.Pruner;

    /// <summary>K of the first stage: layers below it see every token. 0 when something is dropped before the first layer.</summary>
    public int FullLayers => LayersBefore(0);

    /// <summary>Layers that run before a stage.</summary>
    public int LayersBefore(int stage) => Pruner.Schedule[stage].Point is { Kind: PruningPointKind.AfterLayer } p ? p.Layer + 1 : 0;
}
