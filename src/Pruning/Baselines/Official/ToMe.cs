namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// Token merging (facebookresearch/ToMe af95e4b1be): even rows merge into their most similar odd rows, weighted by size. Acts inside the
/// tower, between attention and MLP of each block; attention adds log(size) to the key columns.
/// </summary>
internal static class ToMe
{
    /// <summary>Tokens with what they were made of.</summary>
    /// <param name="Tokens">Features, [N, D].</param>
    /// <param name="Metric">What similarity is measured on, [N, d].</param>
    /// <param name="Sizes">Original tokens in each, [N].</param>
    /// <param name="Groups">The original rows of each, ascending.</param>
    public sealed record State(RowMatrix Tokens, RowMatrix Metric, int[] Sizes, int[][] Groups)
    {
        /// <summary>The state before any merging.</summary>
        /// <param name="tokens">Features, [N, D].</param>
        /// <param name="metric">The mean over heads of the keys, [N, d].</param>
        public static State Start(RowMatrix tokens, RowMatrix metric) =>
            new(tokens, metric, [.. Enumerable.Repeat(1, tokens.Count)], [.. Enumerable.Range(0, tokens.Count).Select(i => new[] { i })]);
    }

    /// <summary>The mean over heads of keys, [N, heads * d] to [N, d].</summary>
    /// <param name="keys">Keys with their heads side by side.</param>
    /// <param name="heads">Heads.</param>
    public static RowMatrix Metric(RowMatrix keys, int heads) => RivalMath.MeanKey(keys, heads);

    /// <summary>One round.</summary>
    /// <param name="state">The tokens.</param>
    /// <param name="remove">r, how many to merge away; at most half of those not protected.</param>
    /// <param name="classToken">Row 0 is a class token, which neither merges nor receives.</param>
    public static State Merge(State state, int remove, bool classToken)
    {
        ArgumentNullException.ThrowIfNull(state);
        var count = state.Tokens.Count;
        remove = Math.Min(remove, (count - (classToken ? 1 : 0)) / 2);
        var units = RivalMath.Units(state.Metric);
        var (even, odd) = ((count + 1) / 2, count / 2);
        var (best, target) = (new double[even], new int[even]);
        for (var a = 0; a < even; a++)
        {
            double[] row = [.. Enumerable.Range(0, odd).Select(b => RivalMath.Dot(units[2 * a], units[2 * b + 1]))];
            target[a] = RivalMath.ArgMax(row);
            best[a] = classToken && a == 0 ? double.NegativeInfinity : row[target[a]];
        }

        var order = RivalMath.Falling(best);
        var unmerged = order[remove..];
        if (classToken) Array.Sort(unmerged);
        List<int>[] sources = [.. unmerged.Select(a => new List<int> { 2 * a }),
            .. Enumerable.Range(0, odd).Select(b => new List<int> { 2 * b + 1 })];
        foreach (var a in order[..remove]) sources[unmerged.Length + target[a]].Add(2 * a);
        return new State(
            Mean(state.Tokens, state.Sizes, sources),
            Mean(state.Metric, state.Sizes, sources),
            [.. sources.Select(s => s.Sum(i => state.Sizes[i]))],
            [.. sources.Select(s => s.SelectMany(i => state.Groups[i]).Order().ToArray())]);
    }

    private static RowMatrix Mean(RowMatrix rows, int[] sizes, List<int>[] sources)
    {
        var values = new float[sources.Length * rows.Width];
        for (var o = 0; o < sources.Length; o++)
        {
            double size = sources[o].Sum(i => sizes[i]);
            for (var d = 0; d < rows.Width; d++)
            {
                var sum = 0.0;
                foreach (var i in sources[o]) sum += (double)rows[i][d] * sizes[i];
                values[o * rows.Width + d] = (float)(sum / size);
            }
        }

        return new RowMatrix(values, sources.Length, rows.Width);
    }
}
