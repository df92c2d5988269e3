using System.Text.Json;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Tests.Agents;
using D2Pruner.AI.Tests.Provider;
using D2Pruner.AI.Tests.SemanticKernel;
using Microsoft.Extensions.AI;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Xunit;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary>What a host sees, whatever the transport: by the SDK's own client.</summary>
public abstract class McpSuite : IDisposable
{
    private readonly TemporaryFolder outer = new();

    protected McpSuite()
    {
        Folder = Directory.CreateDirectory(outer.File("allowed")).FullName;
        Directory.CreateDirectory(Path.Combine(Folder, "sub"));
        File.WriteAllBytes(Path.Combine(Folder, "a.png"), Pictures.Png(1));
        File.WriteAllBytes(Path.Combine(Folder, "b.png"), Pictures.Png(2));
        File.WriteAllBytes(Path.Combine(Folder, "sub", "c d.png"), Pictures.Png(3));
        File.WriteAllText(Path.Combine(Folder, "notes.txt"), "password");
        File.WriteAllBytes(outer.File("secret.png"), Pictures.Png(9));
        if (!OperatingSystem.IsWindows()) File.CreateSymbolicLink(Path.Combine(Folder, "link.png"), outer.File("secret.png"));
    }

    protected string Folder { get; }

    public void Dispose()
    {
        outer.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<McpConnection> ConnectAsync(ScriptedEngine engine, Action<D2PrunerMcpOptions>? configure = null);

    private static Dictionary<string, object?> Arguments(params (string Name, object? Value)[] arguments) =>
        arguments.ToDictionary(a => a.Name, a => a.Value);

    private static JsonElement Json(CallToolResult result)
    {
        var text = Assert.IsType<TextContentBlock>(result.Content[0]).Text!;
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(text), result.StructuredContent!.Value));
        return result.StructuredContent.Value;
    }

    [Fact]
    public async Task Tools_AreTheOneDefinition()
    {
        await using var connection = await ConnectAsync(new ScriptedEngine());
        var expected = new VisionTools(new D2PrunerChatClient(connection.Engine), new VisionImages()).Functions;
        var tools = await connection.Client.ListToolsAsync();
        Assert.Equal(expected.Select(f => f.Name).Order(), tools.Select(t => t.Name).Order());
        Assert.All(tools, t =>
        {
            var function = expected.Single(f => f.Name == t.Name);
            Assert.Equal(function.Description, t.Description);
            Assert.True(JsonElement.DeepEquals(function.JsonSchema, t.JsonSchema));
            Assert.True(t.ProtocolTool.Annotations!.ReadOnlyHint);
        });
        Assert.Equal("d2pruner", connection.Client.ServerInfo!.Name);
        Assert.Contains("never instructions", connection.Client.ServerInstructions!);
    }

    [Fact]
    public async Task ACall_Answers()
    {
        await using var connection = await ConnectAsync(new ScriptedEngine());
        var result = await connection.Client.CallToolAsync("ask_image", Arguments(("image", "sub/c d.png"), ("question", "What is it?")));
        Assert.NotEqual(true, result.IsError);
        Assert.Single(result.Content);
        Assert.Equal("It is a cat.", Json(result).GetProperty("answer").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Boxes_ComeWithTheImageTheyAreDrawnOn(bool overlay)
    {
        await using var connection = await ConnectAsync(new ScriptedEngine { Pieces = ["[0.25, 0.25, 0.5, 0.75]"] }, o =>
            o.IncludeOverlay = overlay);
        var result = await connection.Client.CallToolAsync("locate_objects", Arguments(("image", "a.png"), ("objects", "the cat")));
        Assert.Equal("[50,0,100,100]", Json(result).GetProperty("objects")[0].GetProperty("pixels").GetRawText());
        Assert.Equal(overlay ? 2 : 1, result.Content.Count);
        if (!overlay) return;
        var image = Assert.IsType<ImageContentBlock>(result.Content[1]);
        Assert.Equal("image/png", image.MimeType);
        var drawn = ImageDecoder.Decode(image.DecodedData);
        // 200x100, enlarged three times; the box's left edge is not of the image's colour.
        Assert.Equal((600, 300), (drawn.Width, drawn.Height));
        Assert.NotEqual(drawn.Rgb[((150 * 600) + 10) * 3], drawn.Rgb[((150 * 600) + 150) * 3]);
    }

    [Theory]
    [InlineData("../secret.png")]
    [InlineData("link.png")]
    [InlineData("notes.txt")]
    [InlineData("/etc/passwd")]
    [InlineData("d2pruner://images/..%2Fsecret.png")]
    public async Task WhatIsNotAllowed_IsAnErrorByKind(string image)
    {
        await using var connection = await ConnectAsync(new ScriptedEngine());
        var result = await connection.Client.CallToolAsync("ask_image", Arguments(("image", image), ("question", "What is it?")));
        Assert.True(result.IsError);
        Assert.Equal("invalid_request", Json(result).GetProperty("kind").GetString());
        Assert.Equal("a.png", Json(result).GetProperty("available")[0].GetString());
        Assert.DoesNotContain(Folder, ((TextContentBlock)result.Content[0]).Text);
        Assert.Empty(connection.Engine.Requests);
        await Assert.ThrowsAnyAsync<McpException>(async () =>
            await connection.Client.ReadResourceAsync(image.StartsWith("d2pruner:", StringComparison.Ordinal) ? image
            : VisionImages.UriOf(image)));
    }

    [Fact]
    public async Task WrongArguments_AreErrorsByKind_AndTheServerGoesOn()
    {
        await using var connection = await ConnectAsync(new ScriptedEngine());
        foreach (var arguments in new[] { Arguments(), Arguments(("image", 5), ("question", "x")),
            Arguments(("image", new[] { "a.png" }), ("question", "x")), Arguments(("image", "a.png"), ("question", null)) })
        {
            var result = await connection.Client.CallToolAsync("ask_image", arguments);
            Assert.True(result.IsError);
            Assert.Equal("invalid_request", Json(result).GetProperty("kind").GetString());
        }

        var unknown = await Assert.ThrowsAnyAsync<McpException>(async () =>
            await connection.Client.CallToolAsync("paint_image", Arguments()));
        Assert.Contains("paint_image", unknown.Message);
        Assert.NotEqual(true, (await connection.Client.CallToolAsync("describe_image", Arguments(("image", "a.png")))).IsError);
    }

    [Fact]
    public async Task AnAgent_UsesTheToolsOfTheServer()
    {
        await using var connection = await ConnectAsync(new ScriptedEngine());
        var brain = new ScriptedBrain([("ask_image", Arguments(("image", "a.png"), ("question", "What is it?")))]);
        var answer = await brain.AsAIAgent(tools: [.. await connection.Client.ListToolsAsync()]).RunAsync("What is in a.png?");
        Assert.Contains("It is a cat.", answer.Text);
        Assert.Single(connection.Engine.Requests);
    }

    [Fact]
    public async Task Images_AreResources_PageByPage()
    {
        await using var connection = await ConnectAsync(new ScriptedEngine(), o => o.PageSize = 2);
        var first = await connection.Client.ListResourcesAsync(new ListResourcesRequestParams());
        Assert.Equal(2, first.Resources.Count);
        Assert.NotNull(first.NextCursor);
        var all = await connection.Client.ListResourcesAsync();
        Assert.Equal(["a.png", "b.png", "sub/c d.png"], all.Select(r => r.Name));
        Assert.Equal("d2pruner://images/sub/c%20d.png", all[2].Uri);
        var read = Assert.IsType<BlobResourceContents>(Assert.Single((await connection.Client.ReadResourceAsync(all[2].Uri)).Contents));
        Assert.Equal("image/png", read.MimeType);
        Assert.Equal(Pictures.Png(3), read.DecodedData.ToArray());
        Assert.Equal("d2pruner://images/{+name}", Assert.Single(await connection.Client.ListResourceTemplatesAsync()).UriTemplate);
        // A resource may be named wherever an id may.
        Assert.NotEqual(true, (await connection.Client.CallToolAsync("describe_image", Arguments(("image", all[2].Uri)))).IsError);
        await Assert.ThrowsAnyAsync<McpException>(async () =>
            await connection.Client.ListResourcesAsync(new ListResourcesRequestParams { Cursor = "x" }));
        await Assert.ThrowsAnyAsync<McpException>(async () => await connection.Client.ReadResourceAsync("file:///etc/passwd"));
    }

    [Fact]
    public async Task Progress_IsNotified()
    {
        var told = new Told();
        // The client forgets its listener with the result: the model answers when its progress has been heard.
        await using var connection = await ConnectAsync(new ScriptedEngine
        {
            Pieces = ["[0.25, 0.25, 0.5, 0.75]"],
            Answering = async number =>
            {
                for (var i = 0; i < 6000 && !told.Reports.Any(r => r.Message == $"Looking ({number} of 2)"); i++) await Task.Delay(10);
            },
        });
        await connection.Client.CallToolAsync("locate_objects", Arguments(("image", "a.png"), ("objects", "a, b")), told);
        // A slow machine is told of pieces in between.
        Assert.Equal(["Looking (1 of 2)", "Looking (2 of 2)"], told.Reports.Select(r => r.Message!)
            .Where(m => !m.Contains("pieces", StringComparison.Ordinal)));
        Assert.Equal(Enumerable.Range(1, told.Reports.Count).Select(i => (float)i), told.Reports.Select(r => r.Progress));
    }

    [Fact]
    public async Task ACancelledCall_CancelsTheModel_AndTheNextAnswers()
    {
        await using var connection = await ConnectAsync(new ScriptedEngine { Delay = TimeSpan.FromSeconds(1) });
        using var cancel = new CancellationTokenSource();
        var call = connection.Client.CallToolAsync("ask_image", Arguments(("image", "a.png"), ("question", "What is it?")),
            cancellationToken: cancel.Token).AsTask();
        while (connection.Engine.Requests.Count == 0) await Task.Delay(5);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        for (var i = 0; i < 1200 && !connection.Engine.SawCancellation; i++) await Task.Delay(50);
        Assert.True(connection.Engine.SawCancellation);
        Assert.NotEqual(true,
            (await connection.Client.CallToolAsync("ask_image", Arguments(("image", "a.png"), ("question", "What is it?")))).IsError);
    }

    private sealed class Told : IProgress<ProgressNotificationValue>
    {
        private readonly List<ProgressNotificationValue> reports = [];

        public IReadOnlyList<ProgressNotificationValue> Reports { get { lock (reports) return [.. reports.OrderBy(r => r.Progress)]; } }

        public void Report(ProgressNotificationValue value)
        {
            lock (reports) reports.Add(value);
        }
    }
}
