using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>
/// The theta ladder, written plainly: pivots by relative attention; then a walk by relative attention that takes a token if no selected one
/// is more similar to it than theta (normalised cosine of hidden states); when a walk ends before n are selected, theta rises by 0.02 and
/// the walk begins again; from theta 1 on every token may be taken.
/// </summary>
internal sealed class LadderPruner(PruningSettings settings, double pivotShare) : IVisualTokenPruner
{
    private const double Step = 0.02;

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
        var similarity = Relevance.Cosine(context.HiddenStates!);
        var count = relevance.Length;
        var (least, most) = (similarity.Min(), similarity.Max());
        var (taken, closest) = (new bool[count], new double[count]);
        Array.Fill(closest, double.NegativeInfinity);
        var kept = new List<int>(context.Budget);
        var pivots = (int)(pivotShare * context.Budget);
        foreach (var i in order.Take(pivots)) Take(i);
        for (var rung = 0; kept.Count < context.Budget; rung++)
        {
            var theta = settings.Theta + rung * Step;
            foreach (var i in order)
            {
                if (kept.Count == context.Budget) break;
                if (!taken[i] && (theta >= 1 - 1e-9 || !(closest[i] > theta))) Take(i);
            }
        }

        kept.Sort();
        return new TokenReduction { Kept = [.. kept], Statistics = new SelectionStatistics { Pivots = pivots } };

        void Take(int token)
        {
            taken[token] = true;
            kept.Add(token);
            for (var i = 0; i < count; i++)
            {
                var s = most - least < 1e-6 ? 1 : (similarity[token * count + i] - least) / (most - least);
                closest[i] = Math.Max(closest[i], s);
            }
        }
    }
}
