namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>GQA: equality of short answers.</summary>
internal static class GqaMatch
{
    /// <summary>What the official converters write: full stops at the end stripped, lower case.</summary>
    public static string Normalize(string prediction) => PythonText.Lower(prediction.TrimEnd('.'));

    /// <summary>Official: normalised prediction equals the answer.</summary>
    public static bool Official(string prediction, string answer) => Normalize(prediction) == answer;

    /// <summary>lmms-eval: case and ASCII punctuation do not count.</summary>
    public static bool Lmms(string prediction, string answer) => Bare(PythonText.Strip(prediction)) == Bare(answer);

    /// <summary>VLMEvalKit: case and blanks around do not count.</summary>
    public static bool VlmEvalKit(string prediction, string answer) =>
        PythonText.Lower(PythonText.Strip(prediction)) == PythonText.Lower(PythonText.Strip(answer));

    private static string Bare(string text) => PythonText.Without(PythonText.Lower(text), PythonText.AsciiPunctuation);
}
