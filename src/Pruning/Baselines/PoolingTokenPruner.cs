namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// Control: average pooling of s x s windows on each grid. A window becomes one token, the mean of its tokens, that stands at its middle
/// token's position (for even sides the one left and above the centre); windows at the right and lower edge may be smaller. How many are
/// kept hangs on the grids alone, not on the budget.
/// </summary>
internal sealed class PoolingTokenPruner : IVisualTokenPruner
{
    private readonly int _side;
    private readonly PrunerDescription _description;

    private PoolingTokenPruner(PruningSettings settings, int side, PrunerDescription description)
    {
        (_side, _description) = (side, description);
        settings = PrunerRegistry.Complete(settings, description) with { Budget = TokenBudget.OfRatio(1.0 / (side * side)) };
        Schedule = [PruningStage.Single(settings, PruningSignals.None)];
    }

    /// <summary>2 x 2 pooling.</summary>
    public static PrunerDescription Description2 { get; } = Describe("pool2x2", 2);

    /// <summary>3 x 3 pooling.</summary>
    public static PrunerDescription Description3 { get; } = Describe("pool3x3", 3);

    /// <inheritdoc/>
    public string Name => _description.Name;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Tokens were dropped by an earlier stage.</exception>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Remaining is not null)
            throw new ArgumentException("Pooling needs whole grids; a stage before it dropped tokens.", nameof(context));
        var kept = new List<int>();
        var weights = new List<MergeWeight>();
        var start = 0;
        foreach (var grid in context.Layout.Components)
        {
            for (var y = 0; y < grid.Rows; y += _side)
            {
                for (var x = 0; x < grid.Columns; x += _side)
                {
                    var (height, width) = (Math.Min(_side, grid.Rows - y), Math.Min(_side, grid.Columns - x));
                    for (var i = 0; i < height * width; i++)
                        weights.Add(new MergeWeight(
                            kept.Count, start + (y + i / width) * grid.Columns + x + i % width, 1f / (height * width)));
                    kept.Add(start + (y + (height - 1) / 2) * grid.Columns + x + (width - 1) / 2);
                }
            }

            start += grid.Count;
        }

        return new TokenReduction { Kept = [.. kept], MergeWeights = weights };
    }

    private static PrunerDescription Describe(string name, int side)
    {
        PrunerDescription? description = null;
        return description = new PrunerDescription
        {
            Name = name,
            Summary = $"Average pooling of {side} x {side} windows on each grid; keeps about 1/{side * side} of the tokens, whatever the " +
            "budget says.",
            Kind = PrunerKind.Control,
            Depth = PrunerDepth.AtInput,
            Create = (settings, _) => new PoolingTokenPruner(settings, side, description!),
        };
    }
}
