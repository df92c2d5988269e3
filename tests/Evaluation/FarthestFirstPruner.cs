using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>
/// Pivots by relative attention, then farthest-first: each further token is the one whose distance (1 - cosine of hidden states) to the
/// nearest selected one, times its relative attention to a power, is largest. Without pivots and power it is
/// DivPrune on the hidden states of layer K-1.
/// </summary>
internal sealed class FarthestFirstPruner(PruningSettings settings, double pivotShare, double power) : IVisualTokenPruner
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
        var count = relevance.Length;
        var weight = Array.ConvertAll(relevance, r => Math.Pow(Math.Max(r, 1e-12), power));
        var cosine = Relevance.Cosine(context.HiddenStates!);
        var (taken, nearest) = (new bool[count], new double[count]);
        Array.Fill(nearest, 2);
        var kept = new List<int>(context.Budget);
        var pivots = Math.Max(1, (int)(pivotShare * context.Budget));
        for (var i = 0; i < pivots; i++) Take(order[i]);
        while (kept.Count < context.Budget)
        {
            var best = -1;
            for (var i = 0; i < count; i++)
            {
                if (!taken[i] && (best < 0 || nearest[i] * weight[i] > nearest[best] * weight[best])) best = i;
            }

            Take(best);
        }

        kept.Sort();
        return new TokenReduction { Kept = [.. kept], Statistics = new SelectionStatistics { Pivots = pivots } };

        void Take(int token)
        {
            taken[token] = true;
            kept.Add(token);
            for (var i = 0; i < count; i++) nearest[i] = Math.Min(nearest[i], 1 - cosine[token * count + i]);
        }
    }
}
