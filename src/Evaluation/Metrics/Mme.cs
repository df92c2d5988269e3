using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>One MME question with its answer.</summary>
internal sealed record MmeItem(string Category, string Image, string Answer, string Prediction);

/// <summary>A category's figures: 0..1, 0..1, and 100 times their sum.</summary>
internal sealed record MmeCategory(double Accuracy, double AccuracyPlus, int Other)
{
    public double Score => 100 * (Accuracy + AccuracyPlus);
}

/// <summary>MME: two yes/no questions about each image.</summary>
internal static partial class Mme
{
    /// <summary>The ten categories of perception; the others are cognition.</summary>
    public static readonly IReadOnlySet<string> Perception = new HashSet<string>(StringComparer.Ordinal)
    {
        "existence", "count", "position", "color", "posters", "celebrity", "scene", "landmark", "artwork", "OCR",
    };

    /// <summary>The tool's parser: "yes", "no" or "other".</summary>
    public static string Parse(string text)
    {
        var lower = PythonText.Lower(text);
        if (lower is "yes" or "no") return lower;
        var start = PythonText.First(lower, 4);
        return start.Contains("yes", StringComparison.Ordinal) ? "yes" : start.Contains("no", StringComparison.Ordinal) ? "no" : "other";
    }

    /// <summary>lmms-eval's parser.</summary>
    public static string ParseLmms(string text)
    {
        var bare = PythonText.Strip(PythonText.Lower(text)).Replace(".", "");
        return PythonText.Length(bare) == 1 ? bare switch { "y" => "yes", "n" => "no", _ => "other" } : Parse(bare);
    }

    /// <summary>InternVL's cleaning before its result file is written.</summary>
    public static string CleanInternVL(string text)
    {
        text = text.Replace("\n", "").Replace("不是", "No").Replace("是", "Yes").Replace("否", "No");
        return Han().Replace(PythonText.Lower(text).Replace("true", "yes").Replace("false", "no"), "");
    }

    /// <summary>The tool's figures per category: two lines an image, in order; a prediction with a tab makes its line
    /// unreadable, which lowers accuracy+ only.</summary>
    public static Dictionary<string, MmeCategory> Official(IEnumerable<MmeItem> items)
    {
        var result = new Dictionary<string, MmeCategory>(StringComparer.Ordinal);
        foreach (var category in items.GroupBy(i => i.Category))
        {
            var (hits, lines, other, images, plus) = (0, 0, 0, 0, 0);
            foreach (var pair in category.Chunk(2))
            {
                images++;
                var both = 0;
                foreach (var item in pair.Where(i => !i.Prediction.Contains('\t')))
                {
                    lines++;
                    var answer = Parse(item.Prediction);
                    if (answer == PythonText.Lower(item.Answer)) both++;
                    if (answer == "other") other++;
                }

                hits += both;
                if (both == 2) plus++;
            }

            result[category.Key] = new MmeCategory(YesNoFigures.OrZero((double)hits / lines), (double)plus / images, other);
        }

        return result;
    }

    /// <summary>lmms-eval's scores per category: pairs by category and image.</summary>
    public static Dictionary<string, double> Lmms(IEnumerable<MmeItem> items) =>
        PairScores(items, i => ParseLmms(i.Prediction) == PythonText.Lower(PythonText.Strip(i.Answer)).Replace(".", ""));

    /// <summary>VLMEvalKit's scores per category.</summary>
    public static Dictionary<string, double> VlmEvalKit(IEnumerable<MmeItem> items) =>
        PairScores(items, i => Pope.VlmEvalKitParse(i.Prediction) is { } yes && (yes ? "yes" : "no") == PythonText.Lower(i.Answer));

    /// <summary>Sum over the categories of perception or of cognition.</summary>
    public static double Sum(IEnumerable<KeyValuePair<string, double>> scores, bool perception) =>
        scores.Where(s => Perception.Contains(s.Key) == perception).Sum(s => s.Value);

    private static Dictionary<string, double> PairScores(IEnumerable<MmeItem> items, Func<MmeItem, bool> right) =>
        items.GroupBy(i => i.Category).ToDictionary(c => c.Key, c => c.GroupBy(i => i.Image).Average(image =>
        {
            bool[] hits = [.. image.Select(right)];
            return 100.0 * hits.Count(h => h) / hits.Length + (hits.All(h => h) ? 100 : 0);
        }), StringComparer.Ordinal);

    [GeneratedRegex("[\u4E00-\u9FA5]")]
    private static partial Regex Han();
}
