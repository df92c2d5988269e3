using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>AI2D: four options.</summary>
internal static partial class Ai2d
{
    /// <summary>lmms-eval's filter: a leading letter with a full stop becomes the letter.</summary>
    public static string FilterLmms(string prediction)
    {
        var text = PythonText.Strip(prediction);
        return LeadingLetter().Match(text) is { Success: true } m ? m.Groups[1].Value : text;
    }

    /// <summary>lmms-eval: the filtered text without case and ASCII punctuation equals the letter.</summary>
    public static bool Lmms(string prediction, int answer) =>
        PythonText.Without(PythonText.Lower(PythonText.Strip(FilterLmms(prediction))),
            PythonText.AsciiPunctuation) == $"{(char)('a' + answer)}";

    /// <summary>InternVL: equality without case and blanks around.</summary>
    public static bool InternVL(string prediction, string answer) =>
        PythonText.Lower(PythonText.Strip(prediction)) == PythonText.Lower(PythonText.Strip(answer));

    [GeneratedRegex(@"^\s*([A-Z])\.")]
    private static partial Regex LeadingLetter();
}
