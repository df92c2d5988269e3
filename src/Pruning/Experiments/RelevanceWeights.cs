namespace D2Pruner.AI.Pruning.Experiments;

/// <summary>Relative attention as a weight in (0, 1].</summary>
internal static class RelevanceWeights
{
    /// <summary>(score / largest score)^power per token; a score of 0 counts as a millionth of the
    /// largest, all ones where all are 0.</summary>
    public static double[] Of(float[] scores, double power)
    {
        var largest = scores.Max();
        return Array.ConvertAll(scores, s => largest > 0 ? Math.Pow(Math.Max(s / (double)largest, 1e-6), power) : 1);
    }

    /// <summary>((score - least + 1e-6) / (largest - least))^power per token.</summary>
    public static double[] Normalized(float[] scores, double power)
    {
        var (least, largest) = ((double)scores.Min(), (double)scores.Max());
        return Array.ConvertAll(scores, s => Math.Pow((s - least + 1e-6) / Math.Max(largest - least, 1e-12), power));
    }
}
