using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>ScienceQA: a letter among up to five choices.</summary>
internal static partial class ScienceQa
{
    /// <summary>What LLaVA's parser gives when it finds no letter.</summary>
    public const string Failed = "FAILED";

    /// <summary>LLaVA: the letter, or "FAILED".</summary>
    public static string ParseLlava(string text)
    {
        if (text.Length == 1 && text[0] is >= 'A' and <= 'E') return text;
        if (text.Length >= 3 && text[0] is >= 'A' and <= 'E' && text[1] == '.' && text[2] == ' ') return text[..1];
        var matches = AnswerIs().Matches(text);
        return matches.Count == 1 ? matches[0].Groups[1].Value : Failed;
    }

    /// <summary>Place of a parsed letter among the choices; -1 if it is none of them.</summary>
    public static int Index(string parsed, int choices) => parsed.Length == 1 && parsed[0] - 'A' is var i && i >= 0
        && i < Math.Min(choices, 5) ? i : -1;

    /// <summary>lmms-eval: the letter in any case, or upper case with a full stop behind.</summary>
    public static bool Lmms(string prediction, int answer)
    {
        var (text, letter) = (PythonText.Strip(prediction), $"{(char)('A' + answer)}");
        if (PythonText.Lower(text) == PythonText.Lower(letter)) return true;
        return text.Length >= 2 && char.IsUpper(text[0]) && text[1] == '.' && PythonText.Lower(text[..1]) == PythonText.Lower(letter);
    }

    /// <summary>InternVL: a letter or, failing that, the text itself.</summary>
    /// <returns>Null where the official code raises.</returns>
    public static string? ParseInternVL(string prediction, IReadOnlyList<string> choices)
    {
        if (PythonText.Strip(prediction).Length == 0) return "";
        var parsed = MmBench.PostprocessInternVL(prediction, OptionLetters.Of(choices));
        if (parsed is null || PythonText.Length(parsed) == 1) return parsed;
        var second = PythonText.At(parsed, 1);
        if (second == ".") return PythonText.At(parsed, 0);
        if (PythonText.At(parsed, 0) != "(") return parsed;
        return PythonText.At(parsed, 2) switch { null => null, ")" => second, _ => parsed };
    }

    [GeneratedRegex(@"The answer is ([A-Z])[^\n]")]
    private static partial Regex AnswerIs();
}
