using System.Globalization;
using System.Text.Json;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Samples.Grounding;

/// <summary>Asks for one thing at a time and remembers the boxes and the tokens that were kept for them.</summary>
internal sealed class Finder(IChatClient client, byte[] picture, bool forceBoxes)
{
    // Edges that cannot cross, whatever the weights.
    private static readonly JsonElement BoxSchema = JsonDocument.Parse("""
        {"type": "object", "additionalProperties": false, "required": ["x1", "y1", "x2", "y2"], "properties": {
          "x1": {"enum": [0.1, 0.2, 0.3, 0.4]}, "y1": {"enum": [0.1, 0.2, 0.3, 0.4]}, "x2": {"enum": [0.5, 0.6, 0.7, 0.8]}, "y2": {"enum": [0.5, 0.6, 0.7, 0.8]}}}
        """).RootElement;

    private readonly List<(string Label, BoundingBox Box)> found = [];
    private PrunedImageReport? seen;

    /// <summary>Asks for a thing and prints what came back.</summary>
    public async Task FindAsync(string thing)
    {
        var message = new ChatMessage(ChatRole.User,
            [new DataContent(picture, "image/*"), new TextContent($"Please provide the bounding box coordinate of the region this sentence describes: {thing}")]);
        var options = new ChatOptions { Temperature = 0 }.WithPruning(PruningPreset.Localization);
        if (forceBoxes)
        {
            options.ResponseFormat = ChatResponseFormat.ForJsonSchema(BoxSchema, "box");
            // Sampled, so that not every box is the same one.
            (options.Temperature, options.Seed) = (1, found.Count);
        }

        var response = await client.GetResponseAsync([message], options);

        var report = response.GetPruningReport()!;
        seen = report.Images[0];
        var regions = response.GetGroundings();
        Console.WriteLine($"  {thing}: \"{Terminal.Safe(response.Text.ReplaceLineEndings(" "))}\" ({report.VisualTokensKept} of {report.VisualTokens} visual tokens kept)");
        foreach (var region in regions)
        {
            found.Add((region.Label ?? thing, region.Box));
            var p = region.Box.ToPixels(seen.Width, seen.Height);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {region.Label ?? thing}: pixels {p.Left},{p.Top} to {p.Right},{p.Bottom}"));
        }

        foreach (var issue in report.GroundingIssues) Console.WriteLine($"    not a box: {Terminal.Safe(issue)}");
        if (regions.Count == 0) Console.WriteLine("    no box in this answer");
    }

    /// <summary>The picture, bright where tokens were kept for the last question, with every box found so far.</summary>
    public byte[] Draw() => BoxPicture.Draw(picture, seen, found);
}
