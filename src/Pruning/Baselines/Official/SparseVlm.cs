namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// SparseVLM (Gumpest/SparseVLMs 26a5f48813): text tokens close to the image rate the visual tokens by the attention of layers 2, 6 and 15;
/// version 1 merges the best of the dropped ones into clusters, version 2 ("SparseVLM+") divides attention by the rotary embedding's own
/// bias and takes 14 heads. Needs text-to-image attention rows of three layers.
/// </summary>
internal static class SparseVlm
{
    private const double MergeShare = 0.3;
    private const int HeadsOfVersion2 = 14;

    /// <summary>Zero-based layers after which tokens are dropped.</summary>
    public static IReadOnlyList<int> Layers { get; } = [2, 6, 15];

    /// <summary>One stage of version 1.</summary>
    /// <param name="Kept">Tokens kept, ascending.</param>
    /// <param name="Candidates">Dropped tokens that were merged, by falling score.</param>
    /// <param name="Merged">Merged tokens in the order of their centres, [clusters, D]; they follow the kept ones.</param>
    public sealed record Stage(int[] Kept, int[] Candidates, RowMatrix Merged);

    /// <summary>Tokens kept after each of the layers, merged ones not counted.</summary>
    /// <param name="retained">192, 128, 96 or 64.</param>
    /// <param name="version2">SparseVLM+.</param>
    /// <exception cref="ArgumentException">The repository has no list for this number.</exception>
    public static int[] Counts(int retained, bool version2) => (retained, version2) switch
    {
        (192, false) => [300, 200, 110],
        (128, false) => [303, 110, 36],
        (96, false) => [238, 48, 26],
        (64, false) => [66, 30, 17],
        (192, true) => [300, 200, 118],
        (128, true) => [238, 108, 60],
        (96, true) => [246, 54, 28],
        (64, true) => [66, 34, 20],
        _ => throw new ArgumentException($"SparseVLM has lists for 192, 128, 96 and 64 tokens, not for {retained}.", nameof(retained)),
    };

    /// <summary>Text tokens that rate: those above the mean of softmax(V T^t) over text, averaged over the
    /// image, of the input embeddings.</summary>
    /// <param name="visual">Image tokens, [V, D].</param>
    /// <param name="text">All tokens after the image, [T, D].</param>
    /// <returns>Indices into <paramref name="text"/>, ascending.</returns>
    public static int[] Raters(RowMatrix visual, RowMatrix text)
    {
        var mean = new double[text.Count];
        for (var i = 0; i < visual.Count; i++)
        {
            var scores = new double[text.Count];
            for (var t = 0; t < scores.Length; t++) scores[t] = RivalMath.Dot(visual[i], text[t]);
            var share = RivalMath.Softmax(scores, scores.Length);
            for (var t = 0; t < scores.Length; t++) mean[t] += share[t] / visual.Count;
        }

        var average = mean.Average();
        return [.. Enumerable.Range(0, mean.Length).Where(t => mean[t] > average)];
    }

    /// <summary>Scores of version 1: the mean over heads and raters of softmax attention.</summary>
    /// <param name="attention">Per head the rows text x visual, [T, V].</param>
    /// <param name="raters">Rating text tokens.</param>
    public static double[] Scores(IReadOnlyList<RowMatrix> attention, IReadOnlyList<int> raters)
    {
        ArgumentNullException.ThrowIfNull(attention);
        ArgumentNullException.ThrowIfNull(raters);
        var scores = new double[attention[0].Width];
        foreach (var head in attention)
        {
            foreach (var t in raters)
            {
                for (var j = 0; j < scores.Length; j++) scores[j] += (double)head[t][j] / attention.Count / raters.Count;
            }
        }

        return scores;
    }

    /// <summary>The k highest scores, at most all but one; ascending.</summary>
    /// <param name="scores">Scores, [V].</param>
    /// <param name="count">k.</param>
    public static int[] Select(double[] scores, int count)
    {
        ArgumentNullException.ThrowIfNull(scores);
        return RivalMath.Top(scores, Math.Min(count, scores.Length - 1));
    }

    /// <summary>One stage of version 1.</summary>
    /// <param name="scores">As <see cref="Scores"/> gives them, [V].</param>
    /// <param name="hidden">The visual tokens, [V, D].</param>
    /// <param name="count">k.</param>
    /// <param name="noise">Given n, n numbers in 0..1 that break ties of density (the repository draws them at
    /// random); null falls from 1 to 0.</param>
    public static Stage Reduce(double[] scores, RowMatrix hidden, int count, Func<int, double[]>? noise = null)
    {
        var kept = Select(scores, count);
        var known = kept.ToHashSet();
        int[] dropped = [.. RivalMath.Falling(scores).Where(i => !known.Contains(i))];
        int[] candidates = [.. dropped.Take((int)(MergeShare * dropped.Length) + 1)];
        return new Stage(kept, candidates,
            Cluster(hidden.Gather(candidates), candidates.Length / 10 + 1, (noise ?? Falling)(candidates.Length)));
    }

    /// <summary>Scores of version 2: attention divided by the rotary embedding's own bias, mean over the 14 heads
    /// that see most, then over raters.</summary>
    /// <param name="attention">Per head the rows text x visual, [T, V]; at least 14 heads.</param>
    /// <param name="raters">Rating text tokens.</param>
    /// <param name="textPositions">Position ids of the text tokens, [T].</param>
    /// <param name="visualPositions">Position ids of the visual tokens that are left, [V].</param>
    /// <param name="headWidth">Width of a head.</param>
    /// <param name="ropeBase">Of the rotary embedding.</param>
    /// <returns>The scores, and the heads by falling sum.</returns>
    public static (double[] Scores, int[] Heads) ScoresOfVersion2(
        IReadOnlyList<RowMatrix> attention, IReadOnlyList<int> raters, int[] textPositions, int[] visualPositions, int headWidth,
            double ropeBase)
    {
        ArgumentNullException.ThrowIfNull(attention);
        ArgumentNullException.ThrowIfNull(raters);
        ArgumentNullException.ThrowIfNull(textPositions);
        ArgumentNullException.ThrowIfNull(visualPositions);
        if (attention.Count < HeadsOfVersion2)
            throw new ArgumentException($"SparseVLM+ takes {HeadsOfVersion2} heads; there are {attention.Count}.", nameof(attention));
        double Bias(int distance)
        {
            var sum = 0.0;
            for (var f = 0; f < headWidth / 2; f++) sum += Math.Cos(distance * Math.Pow(ropeBase, -2.0 * f / headWidth));
            return 2 * sum / Math.Sqrt(headWidth);
        }

        var count = visualPositions.Length;
        double[][] perHead = [.. attention.Select(_ => new double[count])];
        foreach (var t in raters)
        {
            for (var j = 0; j < count; j++)
            {
                var bias = Bias(textPositions[t] - visualPositions[j]);
                for (var h = 0; h < perHead.Length; h++) perHead[h][j] += attention[h][t][j] / bias;
            }
        }

        int[] heads = [.. RivalMath.Falling([.. perHead.Select(p => p.Sum())]).Take(HeadsOfVersion2)];
        return ([.. Enumerable.Range(0, count).Select(j => heads.Sum(h => perHead[h][j]) / heads.Length / raters.Count)], heads);
    }

    private static double[] Falling(int count) => [.. Enumerable.Range(0, count).Select(i => count == 1 ? 1 : 1 - (double)i / (count - 1))];

    // Density peaks over the c nearest; merged rows in the order of their centres.
    private static RowMatrix Cluster(RowMatrix rows, int clusters, double[] noise)
    {
        var count = rows.Count;
        var distance = new double[count, count];
        var largest = 0.0;
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < count; j++)
            {
                var sum = 0.0;
                for (var d = 0; d < rows.Width; d++) sum += ((double)rows[i][d] - rows[j][d]) * ((double)rows[i][d] - rows[j][d]);
                distance[i, j] = Math.Sqrt(sum) / Math.Sqrt(rows.Width);
                largest = Math.Max(largest, distance[i, j]);
            }
        }

        double[] Row(int i) => [.. Enumerable.Range(0, count).Select(j => distance[i, j])];
        double[] density = [.. Enumerable.Range(0, count)
            .Select(i => Math.Exp(-Row(i).Order().Take(clusters).Average(d => d * d)) + 1e-6 * noise[i])];
        double[] score = [.. Enumerable.Range(0, count).Select(i =>
            density[i] * Enumerable.Range(0, count).Where(j => density[j] > density[i]).Select(j => distance[i, j])
                .DefaultIfEmpty(largest).Min())];
        int[] centres = [.. RivalMath.Falling(score).Take(clusters)];
        var (sums, sizes) = (new double[clusters, rows.Width], new int[clusters]);
        for (var i = 0; i < count; i++)
        {
            var own = Array.IndexOf(centres, i);
            var cluster = own >= 0 ? own : Enumerable.Range(0, clusters).MinBy(c => distance[centres[c], i]);
            sizes[cluster]++;
            for (var d = 0; d < rows.Width; d++) sums[cluster, d] += rows[i][d];
        }

        var values = new float[clusters * rows.Width];
        for (var v = 0; v < values.Length; v++) values[v] = (float)(sums[v / rows.Width, v % rows.Width] / (sizes[v / rows.Width] + 1e-6));
        return new RowMatrix(values, clusters, rows.Width);
    }
}
