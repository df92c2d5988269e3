using System.Globalization;
using System.Text.Json.Nodes;

namespace D2Pruner.AI.Server;

/// <summary>A report as JSON: the object <c>pruning</c> of <c>d2pruner ask --json</c> and of this server's
/// answers. Keys are only ever added.</summary>
internal static class PruningJson
{
    /// <summary>What both show.</summary>
    public static JsonObject Of(PruningReport report) => new()
    {
        ["preset"] = report.Preset.ToString().ToLowerInvariant(),
        ["reason"] = report.PresetReason,
        ["method"] = report.Method,
        ["layer"] = report.LayersBeforePruning,
        ["alpha"] = report.Alpha,
        ["parameters"] = report.Parameters is { } values
        ? new JsonObject(values.Select(p => KeyValuePair.Create(p.Key, JsonNode.Parse(p.Value.GetRawText())))) : null,
        ["prior"] = report.Prior,
        ["visual_tokens"] = report.VisualTokens,
        ["visual_tokens_kept"] = report.VisualTokensKept,
        ["images"] = new JsonArray([.. report.Images.Select(Image)]),
    };

    /// <summary>With what a page needs to draw it: grids on the image, bytes, times, and scores where they were asked for.</summary>
    public static JsonObject Full(PruningReport report)
    {
        var json = Of(report);
        json["keep_ratio"] = report.KeepRatio;
        json["keep_tokens"] = report.KeepTokens;
        json["prompt_tokens"] = report.PromptTokens;
        json["prompt_tokens_kept"] = report.PromptTokensKept;
        json["cached_tokens"] = report.CachedTokens;
        json["computed_tokens"] = report.ComputedTokens;
        json["reused"] = report.Reused;
        json["reused_turn"] = report.ReusedTurn;
        json["kv_bytes"] = report.KvBytes;
        json["kv_bytes_unpruned"] = report.KvBytesUnpruned;
        json["times_ms"] = new JsonObject
        {
            ["queue"] = Math.Round(report.Times.QueueMs, 3),
            ["preprocess"] = Math.Round(report.Times.PreprocessMs, 3),
            ["vision"] = Math.Round(report.Times.VisionMs, 3),
            ["prefill"] = Math.Round(report.Times.PrefillMs, 3),
            ["prune"] = Math.Round(report.Times.PruneMs, 3),
            ["decode"] = Math.Round(report.Times.DecodeMs, 3),
        };
        for (var i = 0; i < report.Images.Count; i++) Draw((JsonObject)json["images"]![i]!, report.Images[i]);
        if (report.GroundingIssues.Count > 0)
            json["grounding_issues"] = new JsonArray([.. report.GroundingIssues.Select(issue => (JsonNode)issue)]);
        return json;
    }

    private static JsonNode Image(PrunedImageReport image) => new JsonObject
    {
        ["visual_tokens"] = image.VisualTokens,
        ["kept"] = Numbers(image.Kept),
        ["pivots"] = image.Pivots,
        ["fill"] = image.Fill,
        ["edges"] = image.Edges,
    };

    private static void Draw(JsonObject json, PrunedImageReport image)
    {
        json["width"] = image.Width;
        json["height"] = image.Height;
        json["grids"] = new JsonArray([.. image.Grids.Select(g => new JsonObject
        {
            ["name"] = g.Name,
            ["rows"] = g.Rows,
            ["columns"] = g.Columns,
            ["x"] = g.X,
            ["y"] = g.Y,
            ["cell_width"] = g.CellWidth,
            ["cell_height"] = g.CellHeight,
        })]);
        if (image.Scores is { } scores) json["scores"] = Numbers(scores);
        if (image.Attention is { } attention) json["attention"] = Numbers(attention);
        if (image.PriorMap is { } prior) json["prior_map"] = Numbers(prior);
    }

    private static JsonArray Numbers(IReadOnlyList<int> values) => new([.. values.Select(v => JsonValue.Create(v))]);

    // JSON knows no NaN. Six significant digits: of thousands of tokens each has a small share, and their order is read from it.
    private static JsonArray Numbers(IReadOnlyList<float> values) =>
        new([.. values.Select(v => JsonValue.Create(float.IsFinite(v)
            ? double.Parse(v.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : 0))]);
}
