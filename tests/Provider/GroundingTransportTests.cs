using System.Text.Json;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Boxes on their way to the application.</summary>
public sealed class GroundingTransportTests
{
    private static readonly ChatOptions Localize = new ChatOptions().WithPruning(PruningPreset.Localization);

    private static ChatMessage Question(int images) =>
        new(ChatRole.User, [.. Enumerable.Range(0, images).Select(_ => (AIContent)new DataContent(TinyPng.Bytes, "image/png")),
            new TextContent("Where is the cat?")]);

    private static D2PrunerChatClient Client(params string[] pieces) => new(new ScriptedEngine { Pieces = pieces });

    [Fact]
    public async Task Streamed_RoundTripped_AndAsMetadata_TheyAreTheSame()
    {
        using var client = Client("The cat [0.25, 0.", "25, 0.5, 0.75]", " sleeps.");
        var updates = await client.GetStreamingResponseAsync([Question(1)], Localize).ToListAsync();
        var streamed = updates.ToChatResponse();
        var again = JsonSerializer.Deserialize<ChatResponse>(
            JsonSerializer.Serialize(streamed, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;
        var expected = new BoundingBox(0.25f, 0, 0.5f, 1);
        IReadOnlyDictionary<string, object?> metadata = streamed.Messages[0].AdditionalProperties!;
        foreach (var regions in new[] { streamed.GetGroundings(), again.GetGroundings(), again.Messages[0].GetGroundings(),
            metadata.GetGroundings() })
        {
            var region = Assert.Single(regions);
            Assert.Equal((expected, 0, false), (region.Box, region.ImageIndex, region.ImageIsAssumed));
            Assert.Equal("[0.25, 0.25, 0.5, 0.75]", streamed.Text[region.TextStart!.Value..region.TextEnd!.Value]);
        }

        Assert.Equal(2, metadata.GetPruningReport()!.VisualTokensKept);
        // Deltas merge into one text; the boxes ride on a piece of their own.
        Assert.Equal(["The cat [0.25, 0.25, 0.5, 0.75] sleeps.", ""],
            streamed.Messages[0].Contents.OfType<TextContent>().Select(c => c.Text));
    }

    [Fact]
    public async Task SeveralPictures_GiveAnIndex_AndFlagTheGuess()
    {
        using var client = Client("[0.25, 0.25, 0.5, 0.75]");
        var response = await client.GetResponseAsync([Question(3)], Localize);
        var region = Assert.Single(response.GetGroundings());
        Assert.Equal((2, true), (region.ImageIndex, region.ImageIsAssumed));
        Assert.Contains("3 images", Assert.Single(response.GetPruningReport()!.GroundingIssues));
    }

    [Theory]
    [InlineData("[0.1, 0.2, 0.3]", "3 numbers")]
    [InlineData("[0.9, 0.1, 0.2, 0.3]", "right or bottom")]
    [InlineData("[0.1, 0.1, 0.2, 7]", "outside")]
    [InlineData("[-0.5, 0.1, 0.2, 0.3]", "outside")]
    public async Task Malformed_AreReported_NeverThrown(string box, string says)
    {
        using var client = Client("It is at ", box, ".");
        var response = await client.GetResponseAsync([Question(1)], Localize);
        Assert.Empty(response.GetGroundings());
        Assert.Contains(says, Assert.Single(response.GetPruningReport()!.GroundingIssues));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[[[")]
    [InlineData("[0.1, 0.2, 0.3, 0.4")]
    [InlineData("[1e999, 1, 1, 1] {\"bbox_2d\": null}")]
    [InlineData("<ref></ref><box></box>")]
    [InlineData("[99999999999999999999999999999999999999999999999999, 1, 2, 3]")]
    public async Task Nonsense_DoesNotThrow(string text)
    {
        using var client = Client(text.Length == 0 ? " " : text);
        Assert.Empty((await client.GetResponseAsync([Question(1)], Localize)).GetGroundings());
    }

    [Fact]
    public void ForeignBags_HaveNone()
    {
        Assert.Empty(((IReadOnlyDictionary<string, object?>?)null).GetGroundings());
        Assert.Empty(new Dictionary<string, object?> { ["d2pruner.groundings"] = "not json" }.GetGroundings());
        Assert.Null(new Dictionary<string, object?> { ["d2pruner.report"] = 7 }.GetPruningReport());
    }
}
