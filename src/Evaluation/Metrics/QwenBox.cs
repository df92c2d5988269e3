using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>lmms-eval's reading of Qwen's boxes: JSON wherever it stands, else any four numbers in a row.</summary>
internal static partial class QwenBox
{
    private static readonly string[] BoxKeys = ["bbox_2d", "bbox", "box", "coordinates", "coord", "location", "position"];

    /// <summary>All boxes of an answer, in order.</summary>
    public static List<double[]> Read(string answer)
    {
        var text = PythonText.Strip(answer);
        var boxes = new List<double[]>();
        using (var json = Candidates(text).Select(TryParse).FirstOrDefault(j => j is not null))
        {
            if (json is not null) Collect(json.RootElement, boxes);
        }

        if (boxes.Count > 0) return boxes;
        foreach (Match m in FourNumbers().Matches(text))
            boxes.Add([.. Enumerable.Range(1, 4).Select(i => PythonText.ToFloat(m.Groups[i].Value)!.Value)]);
        return boxes;
    }

    /// <summary>The first box, in pixels; zeros if there is none.</summary>
    public static double[] First(IReadOnlyList<double[]> boxes) => boxes.Count > 0 ? boxes[0] : new double[4];

    /// <summary>Best IoU over all boxes read as pixels and as thousandths: looks at the truth, so it is no headline.</summary>
    public static double BestOfBothScales(IEnumerable<double[]> boxes, IReadOnlyList<double> truth, double width, double height) =>
        boxes.SelectMany(b => new[] { b, [b[0] / 1000 * width, b[1] / 1000 * height, b[2] / 1000 * width, b[3] / 1000 * height] })
            .Select(b => Boxes.ClampedIou(b, truth)).DefaultIfEmpty(0).Max();

    private static IEnumerable<string> Candidates(string text)
    {
        if (Fence().Match(text) is { Success: true } fence) yield return PythonText.Strip(fence.Groups[1].Value);
        yield return text;
        foreach (var (open, close) in new[] { ('[', ']'), ('{', '}') })
        {
            var (start, end) = (text.IndexOf(open), text.LastIndexOf(close));
            if (start >= 0 && end > start) yield return text[start..(end + 1)];
        }
    }

    // Python's JSON takes NaN and Infinity, which no box needs; everything else it takes, this takes.
    private static JsonDocument? TryParse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Collect(JsonElement e, List<double[]> boxes)
    {
        if (e.ValueKind == JsonValueKind.Array)
        {
            JsonElement[] items = [.. e.EnumerateArray()];
            if (items.Length == 4 && items.All(i => i.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False))
            {
                boxes.Add([.. items.Select(i => ToFloat(i)!.Value)]);
                return;
            }

            foreach (var item in items) Collect(item, boxes);
        }
        else if (e.ValueKind == JsonValueKind.Object)
        {
            var values = Values(e);
            foreach (var key in BoxKeys)
            {
                if (!values.TryGetValue(key, out var value) || value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != 4)
                    continue;
                double?[] sides = [.. value.EnumerateArray().Select(ToFloat)];
                if (sides.Any(s => s is null)) continue;
                boxes.Add([.. sides.Select(s => s!.Value)]);
                return;
            }

            foreach (var value in values.Values) Collect(value, boxes);
        }
    }

    // As in a Python dict, a repeated key keeps its first place and its last value.
    private static OrderedDictionary<string, JsonElement> Values(JsonElement e)
    {
        var values = new OrderedDictionary<string, JsonElement>(StringComparer.Ordinal);
        // What .NET cannot read as text keeps its raw form, with quotes and colon: it is no key of a box.
        foreach (var p in e.EnumerateObject())
            values[TextOrNull(() => p.Name) ?? p.ToString()[..^p.Value.GetRawText().Length]] = p.Value;
        return values;
    }

    // A lone surrogate may stand escaped in JSON; Python keeps it, .NET has no text for it.
    private static string? TextOrNull(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static double? ToFloat(JsonElement e) => e.ValueKind switch
    {
        JsonValueKind.Number => double.Parse(e.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture),
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        JsonValueKind.String => TextOrNull(e.GetString) is { } text ? PythonText.ToFloat(text) : null,
        _ => null,
    };

    [GeneratedRegex(@"```(?:json)?\s*(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(
        @"[\[\(]?\s*(-?\d+(?:\.\d+)?)\s*[,\s]\s*(-?\d+(?:\.\d+)?)\s*[,\s]\s*(-?\d+(?:\.\d+)?)\s*[,\s]\s*(-?\d+(?:\.\d+)?)\s*[\]\)]?")]
    private static partial Regex FourNumbers();
}
