using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI;

/// <summary>Finds boxes in answers: four numbers in brackets, with a label where a format gives one, mapped to the
/// original image. Never throws.</summary>
internal static partial class GroundingReader
{
    public static (IReadOnlyList<GroundedRegion> Regions, IReadOnlyList<string> Issues) Read(
        string text, IReadOnlyList<ImagePruning> images)
    {
        var regions = new List<GroundedRegion>();
        var issues = new List<string>();
        foreach (Match m in Box().Matches(text))
        {
            double[] v = [.. m.Groups["n"].Captures.Select(
                c => double.Parse(c.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture))];
            if (Region(Label(text, m), v, m.Value, images, m, out var issue) is { } region) regions.Add(region);
            else issues.Add(issue!);
        }

        if (regions.Count > 0 && images.Count > 1)
            issues.Add($"The answer does not say which of {images.Count} images its boxes mean; the last was assumed.");
        return (regions, issues);
    }

    /// <summary>A box in the model's coordinates as a region of the last image; null and what is wrong where it is none.</summary>
    internal static GroundedRegion? Region(
        string? label, double[] v, string raw, IReadOnlyList<ImagePruning> images, Capture? where, out string? issue)
    {
        var image = images[^1];
        issue = v.Length != 4 ? $"'{raw}' has {v.Length} numbers; a box has 4." : Problem(v, image.Map.Space) is { } problem
            ? $"'{raw}' {problem}" : null;
        if (issue is not null) return null;
        // Thousandths by convention; four numbers this small are fractions, as the model's own script reads them.
        if (image.Map.Space == CoordinateSpace.Thousand && v.Sum() < 4) v = Array.ConvertAll(v, x => x * 1000);
        var p = image.Map.FromModel(v[0], v[1], v[2], v[3]);
        var box = BoundingBox.Clip(p.Left / image.Width, p.Top / image.Height, p.Right / image.Width, p.Bottom / image.Height);
        return new GroundedRegion(
            label, box, image.ImageIndex, where?.Index, where?.Index + where?.Length) { ImageIsAssumed = images.Count > 1 };
    }

    private static string? Problem(double[] v, CoordinateSpace space)
    {
        if (v[2] < v[0] || v[3] < v[1]) return "has its right or bottom edge before its left or top one.";
        var max = space switch { CoordinateSpace.Unit => 1.0, CoordinateSpace.Thousand => 1000, _ => double.MaxValue };
        return v.Any(x => x < 0 || x > max) ? $"has a number outside 0..{max.ToString(CultureInfo.InvariantCulture)}." : null;
    }

    // Qwen2.5-VL: "label": "..." in the same object, after the box as a rule. InternVL: <ref>...</ref> before it or its whole list.
    private static string? Label(string text, Match box)
    {
        var end = text.IndexOf('}', box.Index);
        var start = text.LastIndexOf('{', box.Index);
        if (start >= 0 && end > start && JsonLabel().Match(text, start, end - start) is { Success: true } json)
            return Unescaped(json.Groups[1].Value);
        return Reference().Match(text[..box.Index]) is { Success: true } r ? r.Groups[1].Value.Trim() : null;
    }

    private static string Unescaped(string label)
    {
        if (!label.Contains('\\')) return label;
        try
        {
            using var json = JsonDocument.Parse($"\"{label}\"");
            return json.RootElement.GetString()!;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // The latter two: half a surrogate pair.
            return label;
        }
    }

    [GeneratedRegex(@"\[\s*(?<n>-?\d+(?:\.\d+)?)(?:\s*,\s*(?<n>-?\d+(?:\.\d+)?))+\s*\]")]
    private static partial Regex Box();

    [GeneratedRegex("\"(?:label|text_content)\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex JsonLabel();

    [GeneratedRegex(@"<ref>([^<]*)</ref>(?:<box>)?\[?(?:\[[^\[\]]*\],\s*)*$")]
    private static partial Regex Reference();
}
