using System.Text;
using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Constraints;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>Whole clients over real checkpoints of random weights, which without a constraint answer with noise.</summary>
[Collection(TorchCollection.Name)]
public sealed class ConstrainedModelTests
{
    private sealed record Box(string Label, int X1, int Y1, int X2, int Y2);

    private sealed record Boxes(Box[] Items, bool Complete);

    private static Task<VisionLanguageEngine> Load(string fixture) =>
        VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = Path.Combine(FixtureFolders.Copies!, fixture, "model"), Device = "cpu", Threads = 1 });

    private static DataContent Picture(string fixture) =>
        new(File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, fixture, "images", "p0.png")), "image/png");

    [Theory]
    [InlineData("llava-1.5-a")]
    [InlineData("qwen2.5-vl-flat")]
    public async Task TypedResponse_FromARandomModel(string fixture)
    {
        await using var engine = await Load(fixture);
        using var client = new D2PrunerChatClient(
            engine, new D2PrunerChatClientOptions { DescribeResponseFormat = fixture != "llava-1.5-a" });
        for (var seed = 0; seed < 4; seed++)
        {
            var response = await client.GetResponseAsync<Boxes>(
                [new(ChatRole.User, [Picture(fixture), new TextContent("Where is everything?")])],
                new ChatOptions { Temperature = 1, Seed = seed, MaxOutputTokens = 120 });
            Assert.NotNull(response.Result.Items);
            Assert.True(response.GetGroundings().Count <= response.Result.Items.Length);
            Assert.True(response.FinishReason == ChatFinishReason.Stop || response.FinishReason == ChatFinishReason.Length);
        }
    }

    /// <summary>200 schemas over the two checkpoints: whatever they answer parses and is valid.</summary>
    [Theory]
    [InlineData("llava-1.5-a", 2000)]
    [InlineData("qwen2.5-vl-nested", 3000)]
    public async Task RandomWeights_FollowEverySchema(string fixture, int from)
    {
        await using var engine = await Load(fixture);
        using var client = new D2PrunerChatClient(
            engine, new D2PrunerChatClientOptions { StrictOptions = true, DescribeResponseFormat = false });
        for (var seed = from; seed < from + 100; seed++)
        {
            var schema = new SchemaGenerator(seed, plain: true).Next();
            var response = await client.GetResponseAsync(
                "Answer.", new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(schema), Temperature = 1, Seed = seed,
                    MaxOutputTokens = 150 });
            JsonDocument.Parse(response.Text).Dispose();
            Assert.True(new ReferenceMatcher(schema).Check(Encoding.UTF8.GetBytes(response.Text)).Whole,
                $"{schema.GetRawText()}\n{response.Text}");
            Assert.Empty((await NJsonSchema.JsonSchema.FromJsonAsync(schema.GetRawText()))
                .Validate(ConstraintTests.OneUnitACharacter(response.Text)));
        }
    }

    [Fact]
    public async Task FunctionInvocation_OverAConstrainedModel_CompletesTwoSteps_WithAnImage()
    {
        await using var engine = await Load("qwen2.5-vl-flat");
        var asked = new List<string>();
        var crop = AIFunctionFactory.Create(
            (string what) =>
            {
                asked.Add(what);
                return (IEnumerable<AIContent>)[new TextContent("Here:"), Picture("qwen2.5-vl-flat")];
            },
            "crop", "Shows a part of the picture.");
        using var client = new D2PrunerChatClient(engine).AsBuilder().UseFunctionInvocation().Build();
        var response = await client.GetResponseAsync(
            [new(ChatRole.User, [Picture("qwen2.5-vl-flat"), new TextContent("What is this?")])],
            new ChatOptions { Tools = [crop], ToolMode = ChatToolMode.RequireSpecific("crop"), AllowMultipleToolCalls = false,
                Temperature = 1, Seed = 3, MaxOutputTokens = 60 });
        Assert.NotEmpty(asked);
        Assert.Contains(response.Messages, m => m.Contents.OfType<FunctionCallContent>().Any(c => c.Name == "crop"));
        Assert.Contains(response.Messages, m => m.Contents.OfType<FunctionResultContent>().Any());
        Assert.Equal(ChatRole.Assistant, response.Messages[^1].Role);
        Assert.DoesNotContain("<tool_call>", response.Text);
    }
}
