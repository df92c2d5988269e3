using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>Keeps the tokens that the true box covers (those it covers most first), then every k-th of the others: an upper
/// bound that no method can have.</summary>
internal sealed class OraclePruner(PruningSettings settings, CoordinateMap map, IReadOnlyList<double> box) : IVisualTokenPruner
{
    /// <inheritdoc/>
    public string Name => MethodSettings.Oracle;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; } =
        [new(settings.LayersBeforePruning == 0 ? PruningPoint.DecoderInput
            : PruningPoint.AfterLayer(settings.LayersBeforePruning - 1), settings.Budget, PruningSignals.HiddenStates)];

    /// <inheritdoc/>
    public TokenReduction Reduce(PruningContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var cells = new List<(int Token, double Overlap)>();
        var token = 0;
        for (var g = 0; g < context.Layout.Components.Count; g++)
        {
            var grid = context.Layout.Components[g];
            for (var i = 0; i < grid.Count; i++) cells.Add((token++, Overlap(map.Cell(g, i / grid.Columns, i % grid.Columns))));
        }

        int[] inside = [.. cells.Where(c => c.Overlap > 0).OrderByDescending(c => c.Overlap).ThenBy(c => c.Token).Take(context.Budget)
            .Select(c => c.Token)];
        int[] outside = [.. cells.Select(c => c.Token).Except(inside)];
        var rest = context.Budget - inside.Length;
        return new TokenReduction { Kept = [
            .. inside.Concat(Enumerable.Range(0, rest).Select(i => outside[(int)((long)i * outside.Length / rest)])).Order()] };
    }

    private double Overlap(PixelBox cell) =>
        Math.Max(0, Math.Min(cell.Right, box[2]) - Math.Max(cell.Left, box[0]))
            * Math.Max(0, Math.Min(cell.Bottom, box[3]) - Math.Max(cell.Top, box[1]));
}
