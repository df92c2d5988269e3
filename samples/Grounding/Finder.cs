using System.Globalization;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Samples.Grounding;

/// <summary>Asks for one thing at a time and remembers the boxes and the tokens that were kept for them.</summary>
internal sealed class Finder(IChatClient client, byte[] picture)
{
    private readonly List<(string Label, BoundingBox Box)> found = [];
    private PrunedImageReport? seen;

    /// <summary>Asks for a thing in words and prints what came back; the boxes are read out of the text.</summary>
    public async Task FindAsync(string thing)
    {
        var question = $"Please provide the bounding box coordinate of the region this sentence describes: {thing}";
        Show(thing, await client.GetResponseAsync([Message(question)], Options));
    }

    /// <summary>The same as an object: the answer is JSON of this type, whatever the model would have written.</summary>
    public async Task FindTypedAsync(string thing)
    {
        var response = await client.GetResponseAsync<Boxes>([Message($"Where is {thing}? Answer as JSON.")], Options);
        Show(thing, response);
        if (response.TryGetResult(out var boxes))
            foreach (var item in boxes.Items)
                Console.WriteLine("    as an object: " +
                    $"{string.Join(", ", item.Box.Select(v => v.ToString("0.00", CultureInfo.InvariantCulture)))}");
    }

    /// <summary>The picture, bright where tokens were kept for the last question, with every box found so far.</summary>
    public byte[] Draw() => BoxPicture.Draw(picture, seen, found);

    private static ChatOptions Options => new ChatOptions { Temperature = 0 }.WithPruning(PruningPreset.Localization);

    private ChatMessage Message(string question) => new(ChatRole.User, [new DataContent(picture, "image/*"), new TextContent(question)]);

    private void Show(string thing, ChatResponse response)
    {
        var report = response.GetPruningReport()!;
        seen = report.Images[0];
        var regions = response.GetGroundings();
        Console.WriteLine($"  {thing}: \"{Terminal.Safe(response.Text.Trim().ReplaceLineEndings(" "))}\" ({report.VisualTokensKept} of " +
            $"{report.VisualTokens} visual tokens kept)");
        foreach (var region in regions)
        {
            found.Add((region.Label ?? thing, region.Box));
            var p = region.Box.ToPixels(seen.Width, seen.Height);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"    {region.Label ?? thing}: pixels {p.Left},{p.Top} to {p.Right},{p.Bottom}"));
        }

        foreach (var issue in report.GroundingIssues) Console.WriteLine($"    not a box: {Terminal.Safe(issue)}");
        if (regions.Count == 0) Console.WriteLine("    no box in this answer");
    }
}
