namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>Soft accuracy over several people's answers: right as far as three of the others said it.</summary>
internal static class VqaAccuracy
{
    /// <summary>TextVQA, VizWiz, OK-VQA (EvalAI): 0..1.</summary>
    public static double EvalAi(string prediction, IEnumerable<string> answers) =>
        Soft(VqaText.EvalAi(prediction), [.. answers.Select(VqaText.EvalAi)]);

    /// <summary>VQAv2 as lmms-eval scores it.</summary>
    public static double Lmms(string prediction, IEnumerable<string> answers) =>
        Soft(VqaText.Lmms(PythonText.Strip(prediction)), [.. answers.Select(VqaText.Lmms)]);

    /// <summary>VLMEvalKit.</summary>
    public static double VlmEvalKit(string prediction, IEnumerable<string> answers) =>
        Soft(VqaText.VlmEvalKit(prediction), [.. answers.Select(VqaText.VlmEvalKit)]);

    /// <summary>The VQA server: punctuation and articles are looked at only where the answers are not all the same.</summary>
    public static double Official(string prediction, IEnumerable<string> answers)
    {
        var (given, all) = (VqaText.Flatten(prediction), answers.Select(VqaText.Flatten).ToArray());
        if (all.Distinct(StringComparer.Ordinal).Count() > 1)
        {
            given = VqaText.DigitsAndArticles(VqaText.OfficialPunctuation(given));
            all = Array.ConvertAll(all, a => VqaText.DigitsAndArticles(VqaText.OfficialPunctuation(a)));
        }

        return Soft(given, all);
    }

    private static double Soft(string prediction, string[] answers)
    {
        if (answers.Length == 0) return 0;
        var equal = answers.Count(a => a == prediction);
        return answers.Average(a => Math.Min(1, (equal - (a == prediction ? 1 : 0)) / 3.0));
    }
}
