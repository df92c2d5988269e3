using System.Text.Json.Nodes;

namespace D2Pruner.AI.Server;

/// <summary>Boxes as JSON: on the original image, 0..1 and in its pixels.</summary>
internal static class GroundingJson
{
    public static JsonArray Of(IReadOnlyList<GroundedRegion> regions, PruningReport? report) =>
        new([.. regions.Select(region => Of(region, report))]);

    private static JsonObject Of(GroundedRegion region, PruningReport? report)
    {
        var json = new JsonObject
        {
            ["label"] = region.Label,
            ["box"] = new JsonArray(Edge(region.Box.Left), Edge(region.Box.Top), Edge(region.Box.Right), Edge(region.Box.Bottom)),
            ["image"] = region.ImageIndex,
        };
        if (report?.Images.FirstOrDefault(i => i.ImageIndex == region.ImageIndex) is { Width: > 0, Height: > 0 } image)
        {
            var pixels = region.Box.ToPixels(image.Width, image.Height);
            json["box_pixels"] = new JsonArray(pixels.Left, pixels.Top, pixels.Right, pixels.Bottom);
        }

        if (region is { TextStart: { } start, TextEnd: { } end }) (json["start"], json["end"]) = (start, end);
        if (region.ImageIsAssumed) json["image_assumed"] = true;
        return json;
    }

    private static JsonNode Edge(float value) => JsonValue.Create(Math.Round((double)value, 6));
}
