using System.Text.Json;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>
/// Finds boxes in answers that are JSON: a property named like a box that holds four numbers (or several such), or four edges as properties
/// of an object. Never throws.
/// </summary>
internal static class JsonGroundingReader
{
    private static readonly string[][] Edges =
    [
        ["x1", "y1", "x2", "y2"], ["left", "top", "right", "bottom"], ["xmin", "ymin", "xmax", "ymax"], ["minx", "miny", "maxx", "maxy"],
    ];

    private static readonly string[] Sizes = ["x", "y", "width", "height"];

    private static readonly HashSet<string> Boxes =
        new(StringComparer.Ordinal) { "bbox2d", "bbox", "bboxes", "box", "boxes", "box2d", "boundingbox", "boundingboxes", "rect",
            "rectangle", "region", "coordinates" };

    private static readonly string[] Labels = ["label", "name", "text", "textcontent", "class", "category", "object", "title", "what"];

    public static (IReadOnlyList<GroundedRegion> Regions, IReadOnlyList<string> Issues) Read(
        string text, IReadOnlyList<ImagePruning> images)
    {
        var regions = new List<GroundedRegion>();
        var issues = new List<string>();
        if (string.IsNullOrWhiteSpace(text)) return (regions, issues);
        try
        {
            using var document = JsonDocument.Parse(text);
            Walk(document.RootElement, null, false, Found);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperation: half a surrogate pair in a text.
            issues.Add("The answer is not whole JSON; no box was read from it.");
        }

        if (regions.Count > 0 && images.Count > 1)
            issues.Add($"The answer does not say which of {images.Count} images its boxes mean; the last was assumed.");
        return (regions, issues);

        void Found(string? label, double[] box, string raw)
        {
            if (GroundingReader.Region(label, box, raw, images, null, out var issue) is { } region) regions.Add(region);
            else issues.Add(issue!);
        }
    }

    private static void Walk(JsonElement json, string? label, bool named, Action<string?, double[], string> found)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var properties = json.EnumerateObject().Select(p => (Key: Plain(p.Name), p.Value)).ToList();
                label = Labels.Select(l => properties.FirstOrDefault(p => p.Key == l && p.Value.ValueKind == JsonValueKind.String).Value)
                    .FirstOrDefault(v => v.ValueKind == JsonValueKind.String) is { ValueKind: JsonValueKind.String } own
                    ? own.GetString()
                    : label;
                if (Box(properties) is { } box)
                {
                    found(label, box, json.GetRawText());
                    return;
                }

                foreach (var (key, value) in properties) Walk(value, label, Boxes.Contains(key), found);
                break;
            case JsonValueKind.Array:
                if (named && json.GetArrayLength() > 0 && json.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Number))
                {
                    found(label, [.. json.EnumerateArray().Select(e => e.GetDouble())], json.GetRawText());
                    return;
                }

                foreach (var item in json.EnumerateArray()) Walk(item, label, named, found);
                break;
        }
    }

    private static double[]? Box(List<(string Key, JsonElement Value)> properties)
    {
        double[]? Numbers(string[] keys)
        {
            var values = keys.Select(k => properties.FirstOrDefault(p => p.Key == k).Value).ToArray();
            return values.All(v => v.ValueKind == JsonValueKind.Number) ? [.. values.Select(v => v.GetDouble())] : null;
        }

        if (Edges.Select(Numbers).FirstOrDefault(n => n is not null) is { } edges) return edges;
        return Numbers(Sizes) is [var x, var y, var width, var height] ? [x, y, x + width, y + height] : null;
    }

    private static string Plain(string name) =>
        name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
}
