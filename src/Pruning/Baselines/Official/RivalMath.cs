namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>Arithmetic that the rivals share, in double over fp32 inputs: their goldens hang on no rounding finer than that.</summary>
internal static class RivalMath
{
    /// <summary>The mean over heads of a [heads, N] matrix without its first <paramref name="skip"/> columns
    /// (1 leaves the CLS column out).</summary>
    public static double[] MeanOfHeads(RowMatrix heads, int skip)
    {
        var mean = new double[heads.Width - skip];
        for (var h = 0; h < heads.Count; h++)
        {
            var row = heads[h];
            for (var i = 0; i < mean.Length; i++) mean[i] += (double)row[i + skip] / heads.Count;
        }

        return mean;
    }

    /// <summary>Indices by falling score, ties lower index first.</summary>
    public static int[] Falling(double[] scores) =>
        [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ThenBy(i => i)];

    /// <summary>The n highest scores' indices, ascending.</summary>
    public static int[] Top(double[] scores, int n) => [.. Falling(scores).Take(n).Order()];

    /// <summary>Index of the largest value, the first one of equals; NaN counts as largest, as in torch.</summary>
    public static int ArgMax(ReadOnlySpan<double> values)
    {
        var best = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i])) return i;
            if (values[i] > values[best]) best = i;
        }

        return best;
    }

    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }

    public static double Dot(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary>Rows divided by max(length, floor).</summary>
    public static double[][] Units(RowMatrix rows, double floor = 0, double add = 0)
    {
        var units = new double[rows.Count][];
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            var length = Math.Max(Math.Sqrt(Dot(row, row)), floor) + add;
            units[i] = new double[rows.Width];
            for (var d = 0; d < rows.Width; d++) units[i][d] = row[d] / length;
        }

        return units;
    }

    /// <summary>The mean over heads of rows whose heads lie side by side, [N, heads * d] to [N, d].</summary>
    public static RowMatrix MeanKey(RowMatrix keys, int heads)
    {
        var width = keys.Width / heads;
        var values = new float[keys.Count * width];
        for (var i = 0; i < keys.Count; i++)
        {
            var row = keys[i];
            for (var d = 0; d < width; d++)
            {
                var sum = 0.0;
                for (var h = 0; h < heads; h++) sum += row[h * width + d];
                values[i * width + d] = (float)(sum / heads);
            }
        }

        return new RowMatrix(values, keys.Count, width);
    }

    /// <summary>softmax(values) over the first <paramref name="count"/> of them.</summary>
    public static double[] Softmax(double[] values, int count)
    {
        var max = double.NegativeInfinity;
        for (var i = 0; i < count; i++) max = Math.Max(max, values[i]);
        var result = new double[values.Length];
        var sum = 0.0;
        for (var i = 0; i < count; i++) sum += result[i] = Math.Exp(values[i] - max);
        for (var i = 0; i < count; i++) result[i] /= sum;
        return result;
    }

    /// <summary>One row of causal softmax attention of one head: softmax(q_row K^T / sqrt(d)) over keys 0..row; later ones are 0.</summary>
    public static double[] AttentionRow(RowMatrix queries, RowMatrix keys, int row)
    {
        var scale = 1 / Math.Sqrt(queries.Width);
        var scores = new double[keys.Count];
        for (var j = 0; j <= row; j++) scores[j] = Dot(queries[row], keys[j]) * scale;
        return Softmax(scores, row + 1);
    }

    /// <summary>The last row of causal attention, mean over heads.</summary>
    public static double[] LastRow(IReadOnlyList<RowMatrix> queries, IReadOnlyList<RowMatrix> keys)
    {
        var length = keys[0].Count;
        var mean = new double[length];
        for (var h = 0; h < keys.Count; h++)
        {
            var row = AttentionRow(queries[h], keys[h], length - 1);
            for (var j = 0; j < length; j++) mean[j] += row[j] / keys.Count;
        }

        return mean;
    }
}
