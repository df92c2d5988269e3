namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// VisionZip (dvlab-research/VisionZip 3151f6df4f): dominant patches by CLS attention, the CLS row itself, and contextual tokens merged
/// from the rest by key similarity. Changes what the tower gives, before the projector; position ids become contiguous.
/// </summary>
internal static class VisionZip
{
    /// <summary>What is left of one view.</summary>
    /// <param name="Dominant">The dominant patches, ascending; the CLS row comes before them.</param>
    /// <param name="TopOrder">The same by falling attention.</param>
    /// <param name="Tokens">CLS, dominant and contextual rows, [dominant + contextual, D].</param>
    public sealed record View(int[] Dominant, int[] TopOrder, RowMatrix Tokens);

    /// <summary>Reduces one view.</summary>
    /// <param name="cls">CLS attention of layer 22, [heads, 577].</param>
    /// <param name="keys">Keys of layer 22, [577, heads * d].</param>
    /// <param name="features">Output of the tower, CLS row first, [577, D].</param>
    /// <param name="heads">Heads of the keys.</param>
    /// <param name="dominant">Dominant tokens, the CLS row counted.</param>
    /// <param name="contextual">Contextual tokens.</param>
    public static View Reduce(RowMatrix cls, RowMatrix keys, RowMatrix features, int heads, int dominant, int contextual)
    {
        int[] top = [.. RivalMath.Falling(RivalMath.MeanOfHeads(cls, 1)).Take(dominant - 1)];
        var kept = top.Select(t => t + 1).Append(0).ToHashSet();
        int[] rest = [.. Enumerable.Range(0, features.Count).Where(i => !kept.Contains(i))];
        var metric = RivalMath.Units(RivalMath.MeanKey(keys, heads).Gather(rest));
        var step = Math.Max(1, rest.Length / contextual);
        int[] targets = [.. Enumerable.Range(0, contextual).Select(c => c * step)];
        var (sums, counts) = (new double[contextual][], new int[contextual]);
        for (var c = 0; c < contextual; c++) sums[c] = new double[features.Width];
        for (var i = 0; i < rest.Length; i++)
        {
            if (i % step == 0 && i / step < contextual) continue;
            var best = RivalMath.ArgMax(Array.ConvertAll(targets, t => RivalMath.Dot(metric[i], metric[t])));
            counts[best]++;
            for (var d = 0; d < features.Width; d++) sums[best][d] += features[rest[i]][d];
        }

        int[] ordered = [.. kept.Order()];
        var values = new float[(ordered.Length + contextual) * features.Width];
        features.Gather(ordered).Values.CopyTo(values, 0);
        for (var c = 0; c < contextual; c++)
        {
            for (var d = 0; d < features.Width; d++)
                values[(ordered.Length + c) * features.Width + d] =
                    (float)(features[rest[targets[c]]][d] + (counts[c] == 0 ? 0 : sums[c][d] / counts[c]));
        }

        return new View([.. top.Order()], top, new RowMatrix(values, ordered.Length + contextual, features.Width));
    }

    /// <summary>Reduces every view and puts them in order: the base (CLS, dominant, contextual), the tiles' dominant patches as one mosaic
    /// row by row, the tiles' CLS rows, their contextual tokens. No unpadding, no newline.</summary>
    /// <param name="cls">Per view, as in <see cref="Reduce"/>.</param>
    /// <param name="keys">Per view, as in <see cref="Reduce"/>.</param>
    /// <param name="features">Per view, as in <see cref="Reduce"/>.</param>
    /// <param name="heads">Heads of the keys.</param>
    /// <param name="dominant">Dominant tokens of a view, the CLS row counted.</param>
    /// <param name="contextual">Contextual tokens of a view.</param>
    /// <param name="grid">The tiles.</param>
    public static (ViewToken[] Sequence, RowMatrix Tokens) ReduceViews(
        IReadOnlyList<RowMatrix> cls, IReadOnlyList<RowMatrix> keys, IReadOnlyList<RowMatrix> features, int heads, int dominant,
            int contextual, TileGrid grid)
    {
        ArgumentNullException.ThrowIfNull(cls);
        View[] views = [.. cls.Select((c, v) => Reduce(c, keys[v], features[v], heads, dominant, contextual))];
        var sequence = new List<ViewToken>();
        var values = new List<float>();
        void Add(ViewToken token, int view, int row)
        {
            sequence.Add(token);
            values.AddRange(views[view].Tokens[row]);
        }

        void Contextual(int view)
        {
            for (var c = 0; c < contextual; c++) Add(ViewToken.None, view, dominant + c);
        }

        Add(new ViewToken(0, -1), 0, 0);
        for (var i = 0; i < views[0].Dominant.Length; i++) Add(new ViewToken(0, views[0].Dominant[i]), 0, 1 + i);
        Contextual(0);
        foreach (var token in grid.Mosaic())
        {
            var row = Array.BinarySearch(views[token.View].Dominant, token.Token);
            if (row >= 0) Add(token, token.View, 1 + row);
        }

        for (var v = 1; v < views.Length; v++) Add(new ViewToken(v, -1), v, 0);
        for (var v = 1; v < views.Length; v++) Contextual(v);
        return ([.. sequence], new RowMatrix([.. values], sequence.Count, features[0].Width));
    }
}
