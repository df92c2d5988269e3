namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>ChartQA: numbers may be off by 5%.</summary>
internal static class ChartQa
{
    private const double Tolerance = 0.05;

    /// <summary>Relaxed accuracy, the right way round: the tolerance is relative to the target.</summary>
    public static bool Relaxed(string prediction, string target) => Compare(PythonText.Strip(prediction), target);

    /// <summary>InternVL, Qwen-VL and VLMEvalKit before 2025-09: target and prediction exchanged; best over the annotations.</summary>
    public static bool Swapped(string prediction, IEnumerable<string> annotations) =>
        annotations.Any(a => Compare(a, PythonText.Strip(prediction)));

    private static bool Compare(string prediction, string target)
    {
        if (Number(prediction) is { } p && Number(target) is { } t && t != 0) return Math.Abs(p - t) / Math.Abs(t) <= Tolerance;
        return PythonText.Lower(prediction) == PythonText.Lower(target);
    }

    private static double? Number(string text) => text.EndsWith('%') ? PythonText.ToFloat(text.TrimEnd('%')) / 100
        : PythonText.ToFloat(text);
}
