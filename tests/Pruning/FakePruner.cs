using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>A pruner that answers what a test says.</summary>
internal sealed class FakePruner(Func<PruningContext, TokenReduction> reduce, int stages = 1) : IVisualTokenPruner
{
    public string Name => "fake";

    public IReadOnlyList<PruningStage> Schedule { get; } =
        [.. Enumerable.Range(0, stages)
            .Select(s => new PruningStage(PruningPoint.AfterLayer(s), TokenBudget.OfRatio(0.5), PruningSignals.None))];

    public TokenReduction Reduce(PruningContext context) => reduce(context);
}
