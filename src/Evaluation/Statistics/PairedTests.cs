namespace D2Pruner.AI.Evaluation.Statistics;

/// <summary>Tests of paired right/wrong answers.</summary>
internal static class PairedTests
{
    /// <summary>McNemar's exact two-sided test: how likely so lopsided a split of the discordant pairs is if
    /// both methods are equally good.</summary>
    /// <param name="onlyFirst">Pairs that only the first got right.</param>
    /// <param name="onlySecond">Pairs that only the second got right.</param>
    public static double McNemar(int onlyFirst, int onlySecond)
    {
        var n = onlyFirst + onlySecond;
        if (n == 0) return 1;
        var (sum, log) = (0.0, -n * Math.Log(2)); // log of C(n, 0) / 2^n
        for (var k = 0; k <= Math.Min(onlyFirst, onlySecond); k++)
        {
            sum += Math.Exp(log);
            log += Math.Log(n - k) - Math.Log(k + 1);
        }

        return Math.Min(1, 2 * sum);
    }

    /// <summary>Holm's step-down correction of p values; the result keeps their order.</summary>
    public static double[] Holm(IReadOnlyList<double> p)
    {
        var adjusted = new double[p.Count];
        var highest = 0.0;
        foreach (var (index, rank) in Enumerable.Range(0, p.Count).OrderBy(i => p[i]).Select((i, r) => (i, r)))
        {
            highest = Math.Max(highest, Math.Min(1, p[index] * (p.Count - rank)));
            adjusted[index] = highest;
        }

        return adjusted;
    }
}
