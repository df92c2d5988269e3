namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>Greedy maximum of a determinant: each token's conditional variance, updated by one Cholesky row per choice (arXiv
/// 1709.05135). O(n^2 N) in all.</summary>
internal sealed class GreedyMap(double[] diagonal)
{
    private readonly double[] _variance = [.. diagonal];
    private readonly List<double[]> _rows = [];
    private readonly List<int> _taken = [];

    /// <summary>The choices so far, in order.</summary>
    public IReadOnlyList<int> Taken => _taken;

    public int Count => _taken.Count;

    /// <summary>The token of the largest conditional variance (first one of equals), or -1 where none is above the bound.</summary>
    public int Best(double bound = double.NegativeInfinity)
    {
        var best = -1;
        for (var i = 0; i < _variance.Length; i++)
        {
            if (_variance[i] > bound && (best < 0 || _variance[i] > _variance[best])) best = i;
        }

        return best;
    }

    /// <summary>Takes a token, given its row of the kernel; the other variances fall.</summary>
    public void Take(int token, ReadOnlySpan<double> kernelRow)
    {
        var variance = _variance[token];
        _variance[token] = double.NegativeInfinity;
        _taken.Add(token);
        if (variance <= 0) return; // in the span of the others: it tells nothing about the rest
        var root = Math.Sqrt(variance);
        var row = new double[_variance.Length];
        for (var i = 0; i < row.Length; i++) row[i] = kernelRow[i];
        foreach (var earlier in _rows)
        {
            var weight = earlier[token];
            for (var i = 0; i < row.Length; i++) row[i] -= weight * earlier[i];
        }

        for (var i = 0; i < row.Length; i++)
        {
            row[i] /= root;
            _variance[i] -= row[i] * row[i];
        }

        _rows.Add(row);
    }
}
