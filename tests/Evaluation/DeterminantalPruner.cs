using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>
/// A greedy determinantal point process: kernel q_i q_j cos_ij exp(-d_ij^2 / (2 sigma^2)), q = relative attention scaled to 0..1 (plus
/// 1e-6), d = distance in grid cells within one component (tokens of different components are not near each other).
/// </summary>
internal sealed class DeterminantalPruner(PruningSettings settings, double sigma) : IVisualTokenPruner
{
    /// <inheritdoc/>
    public string Name => settings.Method;

    /// <inheritdoc/>
    public IReadOnlyList<PruningStage> Schedule { get; } =
        [new(PruningPoint.AfterLayer(settings.LayersBeforePruning - 1), settings.Budget,
            PruningSignals.LastRowAttention | PruningSignals.HiddenStates)];

    /// <inheritdoc/>
    public TokenReduction Reduce(PruningContext context)
    {
        var (relevance, order) = Relevance.Of(context);
        var cosine = Relevance.Cosine(context.HiddenStates!);
        var count = relevance.Length;
        var (least, most) = (relevance.Min(), relevance.Max());
        var quality = Array.ConvertAll(relevance, r => (r - least + 1e-6) / Math.Max(most - least, 1e-12));
        var places = Places(context.Layout);
        var gain = Array.ConvertAll(quality, q => q * q);
        var (taken, kept, rows) = (new bool[count], new List<int>(context.Budget), new List<double[]>(context.Budget));
        while (kept.Count < context.Budget)
        {
            var best = -1;
            for (var i = 0; i < count; i++)
            {
                if (!taken[i] && (best < 0 || gain[i] > gain[best])) best = i;
            }

            // Numbers run out where the kernel's rank does: the rest by relevance.
            if (gain[best] < 1e-12) best = order.First(i => !taken[i]);
            taken[best] = true;
            kept.Add(best);
            if (gain[best] < 1e-12) continue;
            var (row, root) = (new double[count], Math.Sqrt(gain[best]));
            for (var i = 0; i < count; i++)
            {
                var e = quality[best] * quality[i] * cosine[best * count + i] * Near(places[best], places[i]);
                foreach (var earlier in rows) e -= earlier[best] * earlier[i];
                row[i] = e / root;
            }

            rows.Add(row);
            for (var i = 0; i < count; i++) gain[i] -= row[i] * row[i];
        }

        kept.Sort();
        return new TokenReduction { Kept = [.. kept] };
    }

    private double Near((int Grid, int Row, int Column) a, (int Grid, int Row, int Column) b)
    {
        if (a.Grid != b.Grid) return 0;
        double rows = a.Row - b.Row, columns = a.Column - b.Column;
        return Math.Exp(-(rows * rows + columns * columns) / (2 * sigma * sigma));
    }

    private static (int Grid, int Row, int Column)[] Places(VisualTokenLayout layout) =>
        [.. layout.Components.SelectMany((g, k) => Enumerable.Range(0, g.Count).Select(i => (k, i / g.Columns, i % g.Columns)))];
}
