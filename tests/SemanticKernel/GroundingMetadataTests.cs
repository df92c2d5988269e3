using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Xunit;

namespace D2Pruner.AI.Tests.SemanticKernel;

/// <summary>Boxes and reports as Semantic Kernel's users find them.</summary>
public sealed class GroundingMetadataTests
{
    private static readonly BoundingBox Expected = new(0.25f, 0, 0.5f, 1);

    private static IChatCompletionService Service(IReadOnlyList<string> pieces) =>
        new D2PrunerChatClient(new ScriptedEngine { Pieces = pieces },
            new D2PrunerChatClientOptions { Preset = PruningPreset.Localization }).AsChatCompletionService();

    private static ChatHistory Question()
    {
        var history = new ChatHistory();
        history.AddUserMessage([new Microsoft.SemanticKernel.TextContent("Where is the cat?"),
            new ImageContent(Pictures.Png(1), "image/png")]);
        return history;
    }

    [Fact]
    public async Task AnAnswer_CarriesItsBoxesAndReport()
    {
        var answer = await Service(["Here: ", "[0.25, 0.25, 0.5, 0.75]"]).GetChatMessageContentAsync(Question());
        var region = Assert.Single(answer.GetGroundings());
        Assert.Equal(Expected, region.Box);
        Assert.Equal((6, 29), (region.TextStart, region.TextEnd));
        Assert.Equal((4, 2), (answer.GetPruningReport()!.VisualTokens, answer.GetPruningReport()!.VisualTokensKept));
    }

    [Fact]
    public async Task AStreamedAnswer_CarriesThemInItsLastPiece()
    {
        List<StreamingChatMessageContent> pieces = [];
        await foreach (var piece in Service(["[0.25, 0.25,", " 0.5, 0.75]"])
            .GetStreamingChatMessageContentsAsync(Question())) pieces.Add(piece);
        Assert.Equal(Expected, Assert.Single(pieces.SelectMany(p => p.GetGroundings())).Box);
        Assert.Equal(Expected, Assert.Single(pieces[^1].GetGroundings()).Box);
        Assert.NotNull(pieces[^1].GetPruningReport());
        Assert.Null(pieces[0].GetPruningReport());
    }

    [Fact]
    public async Task TheySurviveJson()
    {
        var answer = await Service(["[0.25, 0.25, 0.5, 0.75]"]).GetChatMessageContentAsync(Question());
        var copy = JsonSerializer.Deserialize<ChatMessageContent>(JsonSerializer.Serialize(answer))!;
        Assert.Equal(Expected, Assert.Single(copy.GetGroundings()).Box);
        Assert.Equal(PruningPreset.Localization, copy.GetPruningReport()!.Preset);
    }

    [Fact]
    public async Task MalformedBoxes_AreReported()
    {
        var answer = await Service(["[0.9, 0.25, 0.5, 0.75]"]).GetChatMessageContentAsync(Question());
        Assert.Empty(answer.GetGroundings());
        Assert.Single(answer.GetPruningReport()!.GroundingIssues);
    }

    [Fact]
    public void OtherAnswers_HaveNone()
    {
        var other = new ChatMessageContent(AuthorRole.Assistant, "hi");
        Assert.Empty(other.GetGroundings());
        Assert.Null(other.GetPruningReport());
        var broken = new ChatMessageContent(
            AuthorRole.Assistant, "hi",
            metadata: new Dictionary<string, object?> { ["d2pruner.groundings"] = 5, ["d2pruner.report"] = "{" });
        Assert.Empty(broken.GetGroundings());
        Assert.Null(broken.GetPruningReport());
    }
}
