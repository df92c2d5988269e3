namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>MMStar: four options inside the question.</summary>
internal static class MmStar
{
    private static readonly string[] Letters = ["A", "B", "C", "D"];

    /// <summary>lmms-eval since 2026-04: the letter, or null.</summary>
    public static string? Letter(string prediction) => McqExtractor.Extract(prediction, Letters);

    /// <summary>lmms-eval before 2026-04, when the paper was written.</summary>
    public static bool Before202604(string prediction, string answer)
    {
        var text = PythonText.Lower(PythonText.Strip(PythonText.Strip(prediction).Replace('\n', ' ')));
        var letter = PythonText.Lower(answer);
        return text.StartsWith(letter, StringComparison.Ordinal) || text.StartsWith("(" + letter, StringComparison.Ordinal)
            || text.StartsWith("option " + letter, StringComparison.Ordinal)
            || text.StartsWith("the answer is " + letter, StringComparison.Ordinal);
    }

    /// <summary>VLMEvalKit without a judge: Z where nothing is found.</summary>
    public static string VlmEvalKit(string prediction, IEnumerable<string> options) =>
        MmBench.InferVlmEvalKit(prediction, OptionLetters.Of(options)) ?? "Z";

    /// <summary>Mean over the second-level categories of the mean in each.</summary>
    public static double MacroMean(IEnumerable<(string L2Category, double Score)> items) =>
        items.GroupBy(i => i.L2Category).Average(g => g.Average(i => i.Score));
}
