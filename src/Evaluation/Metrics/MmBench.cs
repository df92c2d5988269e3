using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>A rotation of an MMBench question with the model's answer; options that do not exist are left out.</summary>
internal sealed record MmBenchRow(
    long Index, string Answer, string Prediction, string Category, string L2Category, IReadOnlyList<KeyValuePair<string, string>> Options);

/// <summary>MMBench: letters read without a judge, and circular evaluation (all rotations of a question must be right).</summary>
internal static partial class MmBench
{
    private const string ApiFailure = "Failed to obtain answer via API";
    private const long BaseRows = 1_000_000;

    private static readonly string[] Refusals =
    [
        "Sorry, I can't help with images of people yet.", "I can't process this file.", "I'm sorry, but without the image provided",
            "Cannot determine the answer",
    ];

    // What may stand around a lone letter, in the order in which lmms-eval tries it.
    private static readonly (string Before, string After)[] Decorations =
    [
        ("", "."), ("", ","), ("", ":"), ("", ")"), ("", ")."), ("(", ")"), ("(", ")."), (":", ""), (":", ","), (":", "."),
            (":", ")"), (":", ")."),
    ];

    private static readonly Dictionary<string, string> Abilities = new(StringComparer.Ordinal)
    {
        ["coarse_perception"] = "CP", ["finegrained_perception (instance-level)"] = "FP-S",
            ["finegrained_perception (cross-instance)"] = "FP-C",
        ["logic_reasoning"] = "LR", ["relation_reasoning"] = "RR", ["attribute_reasoning"] = "AR",
    };

    /// <summary>lmms-eval: a letter, or null (a judge would be asked).</summary>
    public static string? InferLmms(string prediction, IReadOnlyList<KeyValuePair<string, string>> options)
    {
        var text = PythonText.Strip(prediction);
        return LetterLmms(text) ?? OnlyOptionInside(text, options);
    }

    /// <summary>VLMEvalKit (August 2026): a letter, Z (a refusal) or null.</summary>
    public static string? InferVlmEvalKit(string prediction, IReadOnlyList<KeyValuePair<string, string>> options)
    {
        if (LetterVlmEvalKit(prediction, options, today: true) is { } letter) return letter;
        return PythonText.Length(PythonText.Lower(prediction)) > 2 * options.Sum(o => PythonText.Length(o.Value)) ? null
            : OnlyOptionInside(prediction, options);
    }

    /// <summary>VLMEvalKit as it was in July 2025, when the paper was written.</summary>
    public static string? InferVlmEvalKit202507(string prediction, IReadOnlyList<KeyValuePair<string, string>> options) =>
        LetterVlmEvalKit(prediction, options, today: false) ?? OnlyOptionInside(prediction, options);

    /// <summary>What InternVL writes into the file for the server; null where the official code raises.</summary>
    public static string? PostprocessInternVL(string prediction, IReadOnlyList<KeyValuePair<string, string>> options)
    {
        var text = PythonText.Strip(prediction);
        if (text.Length == 0) return null;
        if (PythonText.Length(text) == 1) return text;
        if (options.Any(o => o.Key == PythonText.At(text, 0))) return text[..1];
        foreach (var (letter, option) in options)
        {
            if (text.Contains(option, StringComparison.Ordinal)) return letter;
        }

        return text;
    }

    /// <summary>lmms-eval's static mode: 1 or 0 per question (by base index). A rotation read wrongly fails; one without a letter goes
    /// through <see cref="McqExtractor"/>.</summary>
    public static Dictionary<long, int> CircularLmms(IEnumerable<MmBenchRow> rows) => Groups(rows, r =>
    {
        if (InferLmms(r.Prediction, r.Options) is { } letter) return letter == r.Answer;
        return McqExtractor.Extract(r.Prediction, [.. r.Options.Select(o => o.Key)]) == r.Answer;
    });

    /// <summary>VLMEvalKit without a judge: a rotation without a letter fails its question.</summary>
    public static Dictionary<long, int> CircularVlmEvalKit(IEnumerable<MmBenchRow> rows) =>
        Groups(rows, r => InferVlmEvalKit(r.Prediction, r.Options) == r.Answer);

    /// <summary>Means over questions: overall, per category and per second-level category of the base rows.</summary>
    public static (double Overall, Dictionary<string, double> Category, Dictionary<string, double> L2Category) Means(
        IEnumerable<MmBenchRow> rows, IReadOnlyDictionary<long, int> hits)
    {
        var bases = rows.Where(r => r.Index < BaseRows).ToArray();
        return (hits.Values.Average(), By(r => r.Category), By(r => r.L2Category));
        Dictionary<string, double> By(Func<MmBenchRow, string> key) =>
            bases.GroupBy(key).ToDictionary(g => g.Key, g => g.Average(r => hits[r.Index]), StringComparer.Ordinal);
    }

    /// <summary>VLMEvalKit's short name of a second-level category.</summary>
    public static string Ability(string l2Category) => Abilities.GetValueOrDefault(l2Category, l2Category);

    private static Dictionary<long, int> Groups(IEnumerable<MmBenchRow> rows, Func<MmBenchRow, bool> right) =>
        rows.GroupBy(r => r.Index % BaseRows).ToDictionary(g => g.Key, g => g.All(right) ? 1 : 0);

    private static string? LetterLmms(string text)
    {
        if (text.Contains(ApiFailure, StringComparison.Ordinal)) return null;
        var words = PythonText.Split(text);
        if (OnlyOne("", "") is { } bare) return words.Contains("A") && words.Count > 3 ? null : bare; // "A" may be the article
        foreach (var (before, after) in Decorations)
        {
            if (OnlyOne(before, after) is { } letter) return letter;
        }

        return null;
        string? OnlyOne(string before, string after)
        {
            string[] found = [.. "ABCDE".Select(c => $"{c}").Where(c => words.Contains(before + c + after))];
            return found.Length == 1 ? found[0] : null;
        }
    }

    private static string? LetterVlmEvalKit(string text, IReadOnlyList<KeyValuePair<string, string>> options, bool today)
    {
        if (text.Contains(ApiFailure, StringComparison.Ordinal)) return null;
        if (Refusals.Any(r => text.Contains(r, StringComparison.Ordinal))) return "Z";
        var words = PythonText.Split(string.Concat(text.Select(c => ".()[],:;!*#{}".Contains(c) ? ' ' : c)));
        string[] letters = [.. options.Select(o => o.Key).Where(words.Contains)];
        if (letters.Length == 1 && (!today || words.IndexOf(letters[0]) > words.Count - 5)) return letters[0];
        if (letters.Length == 0 && words.Contains("Z")) return "Z";
        if (!today || AnswerIs().Match(text) is not { Success: true } match) return null;
        var named = match.Groups[1].Value.ToUpperInvariant();
        return options.Any(o => o.Key == named) ? named : null;
    }

    private static string? OnlyOptionInside(string text, IReadOnlyList<KeyValuePair<string, string>> options)
    {
        var lower = PythonText.Lower(text);
        string[] found = [.. options.Where(o => lower.Contains(PythonText.Lower(o.Value), StringComparison.Ordinal)).Select(o => o.Key)];
        return found.Length == 1 ? found[0] : null;
    }

    [GeneratedRegex(@"(?:correct\s+)?answer\s+is\s*\**\s*([A-D])\s*\**", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AnswerIs();
}
