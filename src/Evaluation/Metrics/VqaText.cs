using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>Normalised answers of the VQA family: the server's code, the EvalAI processor (TextVQA,
/// VizWiz, OK-VQA) and VLMEvalKit's.</summary>
internal static partial class VqaText
{
    // The official full-stop pattern passes a flag where a count belongs: no more than this many go.
    private const int MostFullStops = 32;
    private const string Punctuation = ";/[]\"{}()=+\\_-><@`,?!";

    private static readonly Dictionary<string, string> Digits = new(StringComparer.Ordinal)
    {
        ["none"] = "0", ["zero"] = "0", ["one"] = "1", ["two"] = "2", ["three"] = "3", ["four"] = "4", ["five"] = "5", ["six"] = "6",
            ["seven"] = "7", ["eight"] = "8", ["nine"] = "9", ["ten"] = "10",
    };

    /// <summary>The EvalAI answer processor.</summary>
    public static string EvalAi(string text)
    {
        text = PythonText.Lower(text).Replace(",", "").Replace("?", "").Replace("'s", " 's");
        return DigitsAndArticles(Punctuate(PythonText.Strip(Blanks(PythonText.Strip(text))), ManyCommas(), EveryStop()));
    }

    /// <summary>The VQA server's rules, always applied.</summary>
    public static string Official(string text) => DigitsAndArticles(OfficialPunctuation(Flatten(text)));

    /// <summary>The server's rules as lmms-eval applies them to VQAv2: any number of commas between digits counts.</summary>
    public static string Lmms(string text) => DigitsAndArticles(Punctuate(Flatten(text), ManyCommas(), EveryStop()));

    /// <summary>VLMEvalKit: a full stop beside a digit stays.</summary>
    public static string VlmEvalKit(string text) => DigitsAndArticles(VlmEvalKitPunctuation(Flatten(text)));

    /// <summary>Newlines and tabs become blanks; blanks around go.</summary>
    public static string Flatten(string text) => PythonText.Strip(Blanks(text));

    /// <summary>Punctuation by the server's rules.</summary>
    public static string OfficialPunctuation(string text) => Punctuate(text, OneComma(), EveryStop());

    /// <summary>Punctuation by VLMEvalKit's rules.</summary>
    public static string VlmEvalKitPunctuation(string text) => Punctuate(text, OneComma(), LoneStop());

    /// <summary>Number words become digits, articles go, contractions are mended.</summary>
    public static string DigitsAndArticles(string text)
    {
        var words = PythonText.Split(PythonText.Lower(text)).Select(w => Digits.GetValueOrDefault(w, w))
            .Where(w => w is not ("a" or "an" or "the"));
        return string.Join(' ', words.Select(VqaContractions.Mend));
    }

    // Whether a mark is deleted or becomes a blank hangs on the text as it came, not on what earlier marks left of it.
    private static string Punctuate(string text, Regex commas, Regex stops)
    {
        var (result, comma) = (text, commas.IsMatch(text));
        foreach (var p in Punctuation)
        {
            var loose = comma || text.Contains($"{p} ", StringComparison.Ordinal) || text.Contains($" {p}", StringComparison.Ordinal);
            result = result.Replace($"{p}", loose ? "" : " ");
        }

        return stops.Replace(result, "", MostFullStops);
    }

    private static string Blanks(string text) => text.Replace('\n', ' ').Replace('\t', ' ');

    [GeneratedRegex(@"\d,+\d")]
    private static partial Regex ManyCommas();

    [GeneratedRegex(@"\d,\d")]
    private static partial Regex OneComma();

    [GeneratedRegex(@"\.(?!\d)")]
    private static partial Regex EveryStop();

    [GeneratedRegex(@"(?<!\d)\.(?!\d)")]
    private static partial Regex LoneStop();
}
