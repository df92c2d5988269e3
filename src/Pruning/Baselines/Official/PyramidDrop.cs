namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// PyramidDrop (Cooperx521/PyramidDrop 6444f304ae): after layers 8, 16 and 24 the image tokens to which the last prompt token attends most,
/// by the queries and keys of the next layer over the current, contiguous position ids.
/// </summary>
internal static class PyramidDrop
{
    /// <summary>The attention of the last prompt token to every row, mean over heads.</summary>
    /// <param name="hidden">Rows of the sequence as it is, [L, D].</param>
    /// <param name="norm">The next layer's input norm, [D].</param>
    /// <param name="query">The next layer's query projection, [out, in].</param>
    /// <param name="key">The next layer's key projection, [out, in].</param>
    /// <param name="heads">Heads, as many for keys.</param>
    /// <param name="epsilon">Of the norm.</param>
    /// <param name="ropeBase">Of the rotary embedding.</param>
    /// <param name="lastPromptRow">Row of the last prompt token.</param>
    public static double[] Attention(
        RowMatrix hidden, float[] norm, RowMatrix query, RowMatrix key, int heads, double epsilon, double ropeBase, int lastPromptRow)
    {
        ArgumentNullException.ThrowIfNull(norm);
        var width = key.Count / heads;
        var q = Rotate(Project(Norm(hidden, lastPromptRow, norm, epsilon), query), lastPromptRow, heads, ropeBase);
        double[][] keys = [.. Enumerable.Range(0, lastPromptRow + 1)
            .Select(i => Rotate(Project(Norm(hidden, i, norm, epsilon), key), i, heads, ropeBase))];
        var mean = new double[hidden.Count];
        for (var h = 0; h < heads; h++)
        {
            var scores = new double[hidden.Count];
            for (var i = 0; i <= lastPromptRow; i++)
            {
                for (var d = h * width; d < (h + 1) * width; d++) scores[i] += q[d] * keys[i][d];
                scores[i] /= Math.Sqrt(width);
            }

            var row = RivalMath.Softmax(scores, lastPromptRow + 1);
            for (var i = 0; i < mean.Length; i++) mean[i] += row[i] / heads;
        }

        return mean;
    }

    /// <summary>One stage's choice.</summary>
    /// <param name="attention">As <see cref="Attention"/> gives it.</param>
    /// <param name="start">Row of the first image token.</param>
    /// <param name="count">Image tokens left.</param>
    /// <param name="original">Image tokens at first.</param>
    /// <param name="ratio">Share of the original ones to keep.</param>
    /// <returns>Of the tokens left those to keep, ascending from 0.</returns>
    public static int[] Select(double[] attention, int start, int count, int original, double ratio)
    {
        ArgumentNullException.ThrowIfNull(attention);
        return RivalMath.Top(attention[start..(start + count)], (int)(ratio * original));
    }

    private static double[] Norm(RowMatrix hidden, int row, float[] weight, double epsilon)
    {
        var x = hidden[row];
        var scale = 1 / Math.Sqrt(RivalMath.Dot(x, x) / x.Length + epsilon);
        var result = new double[x.Length];
        for (var d = 0; d < result.Length; d++) result[d] = x[d] * scale * weight[d];
        return result;
    }

    private static double[] Project(double[] x, RowMatrix weight)
    {
        var result = new double[weight.Count];
        for (var o = 0; o < result.Length; o++)
        {
            var row = weight[o];
            for (var d = 0; d < x.Length; d++) result[o] += x[d] * row[d];
        }

        return result;
    }

    private static double[] Rotate(double[] x, int position, int heads, double ropeBase)
    {
        var width = x.Length / heads;
        var result = new double[x.Length];
        for (var h = 0; h < heads; h++)
        {
            for (var f = 0; f < width / 2; f++)
            {
                var angle = position * Math.Pow(ropeBase, -2.0 * f / width);
                var (a, b) = (h * width + f, h * width + f + width / 2);
                result[a] = x[a] * Math.Cos(angle) - x[b] * Math.Sin(angle);
                result[b] = x[b] * Math.Cos(angle) + x[a] * Math.Sin(angle);
            }
        }

        return result;
    }
}
