using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning.Baselines;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>
/// Fits how many tokens each layer deletes: alpha, the share of attention that may be lost, is bisected in 0..1 down to 0.01 as in the
/// repository, towards the image-token layers that pruning to n before layer K costs; taken is the least alpha tried that costs no more.
/// A layer's number is the mean over the questions, rounded down.
/// </summary>
internal static class FitPruneTable
{
    /// <summary>Questions, of as many images, that a table is fitted to.</summary>
    public const int Questions = 8;

    private const double Precision = 0.01;

    /// <summary>Fits.</summary>
    /// <param name="questions">Questions with one image each.</param>
    /// <param name="layersBeforePruning">K.</param>
    /// <param name="keep">n.</param>
    /// <returns>Per decoder layer how many tokens to delete behind it.</returns>
    public static int[] Fit(IReadOnlyList<SharedForward> questions, int layersBeforePruning, int keep)
    {
        var whole = questions.Select(q =>
        {
            var watch = new Step(q.Layers, null, 0);
            q.Watch(watch);
            return watch.Whole;
        }).ToArray();
        var (low, high, best) = (0.0, 1.0, (int[]?)null);
        while (high - low > Precision)
        {
            var alpha = (low + high) / 2;
            var table = TableOf(questions, whole, alpha);
            var costs = questions.Average(q => Cost(table, q.VisualTokens));
            var allowed = questions.Average(
                q => (double)layersBeforePruning * q.VisualTokens
                    + (double)(q.Layers - layersBeforePruning) * Math.Min(keep, q.VisualTokens));
            if (costs > allowed) low = alpha;
            else (high, best) = (alpha, table);
        }

        return best ?? TableOf(questions, whole, 1);
    }

    /// <summary>Image tokens summed over the layers.</summary>
    internal static long Cost(int[] table, int tokens)
    {
        var (sum, left) = (0L, tokens);
        foreach (var delete in table)
        {
            sum += left;
            left = Math.Max(1, left - delete);
        }

        return sum;
    }

    private static int[] TableOf(IReadOnlyList<SharedForward> questions, (double, double)[][] whole, double alpha)
    {
        var sums = new int[questions[0].Layers];
        for (var q = 0; q < questions.Count; q++)
        {
            var step = new Step(sums.Length, whole[q], alpha);
            questions[q].Watch(step);
            for (var l = 0; l < sums.Length; l++) sums[l] += step.Deleted[l];
        }

        return Array.ConvertAll(sums, s => s / questions.Count);
    }

    // The fitting step in every layer; without the unpruned model's means it deletes nothing and takes them.
    private sealed class Step(int layers, (double Self, double Cross)[]? whole, double alpha) : IDecoderRival
    {
        public (double Self, double Cross)[] Whole { get; } = whole ?? new (double, double)[layers];

        public int[] Deleted { get; } = new int[layers];

        public IReadOnlyList<int> Layers { get; } = [.. Enumerable.Range(0, layers)];

        public bool Renumbers => false;

        public StageOutcome Reduce(StageView view)
        {
            var (self, cross) = FitPruneRival.Sums(view);
            if (whole is null)
            {
                Whole[view.Layer] = FitPrune.Means(self, cross, view.Text);
                return new StageOutcome([.. Enumerable.Range(0, view.Count)]);
            }

            var deleted = FitPrune.Fit(self, cross, view.Text, alpha, Whole[view.Layer]);
            if (deleted.Length == view.Count) deleted = deleted[..^1];
            Deleted[view.Layer] = deleted.Length;
            return new StageOutcome([.. Enumerable.Range(0, view.Count).Except(deleted)]);
        }
    }
}
