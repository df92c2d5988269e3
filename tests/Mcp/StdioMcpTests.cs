using D2Pruner.AI.Runtime.Imaging;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Xunit;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary><c>d2pruner mcp</c> as a host starts it: a process of its own, with the demo model.</summary>
[Collection(TorchCollection.Name)]
public sealed class StdioMcpTests
{
    private static string Tool => BuiltProgram.Path("src/Cli", "d2pruner");

    [Fact]
    public async Task AHost_StartsTheTool_AsksAndSeesBoxes()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("shapes.png"), Scenes.Shapes());
        List<string> log = [];
        var transport = new StdioClientTransport(new StdioClientTransportOptions
        {
            Command = "dotnet",
            Arguments = [Tool, "mcp", "--model", Repository.DemoModel, "--allow-folder", folder.Path],
            StandardErrorLines = line => { lock (log) log.Add(line); },
        });
        await using var client = await McpClient.CreateAsync(transport);
        Assert.Equal(5, (await client.ListToolsAsync()).Count);
        Assert.Equal("shapes.png", Assert.Single(await client.ListResourcesAsync()).Name);

        var colour = await client.CallToolAsync("ask_image", new Dictionary<string,
            object?> { ["image"] = "shapes.png", ["question"] = "What colour is the circle?" });
        Assert.Equal("red", colour.StructuredContent!.Value.GetProperty("answer").GetString());
        var boxes = await client.CallToolAsync("locate_objects", new Dictionary<string,
            object?> { ["image"] = "shapes.png", ["objects"] = "the circle" });
        var box = boxes.StructuredContent!.Value.GetProperty("objects")[0].GetProperty("box");
        // Drawn from 0.17 to 0.37 and from 0.2 to 0.4 of the sides.
        Assert.InRange(box[0].GetDouble(), 0.1, 0.25);
        Assert.InRange(box[3].GetDouble(), 0.33, 0.47);
        Assert.NotNull(ImageDecoder.Decode(Assert.IsType<ImageContentBlock>(boxes.Content[1]).DecodedData));
        var denied = await client.CallToolAsync("ask_image", new Dictionary<string,
            object?> { ["image"] = "/etc/passwd", ["question"] = "What is it?" });
        Assert.True(denied.IsError);
        lock (log) Assert.DoesNotContain(log, l => l.Contains("fail:", StringComparison.Ordinal)
            || l.Contains("   at ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--model", "/no/such/model")]
    [InlineData("--model", ".", "--allow-folder", "/no/such/folder")]
    public async Task WhatIsMissing_IsToldAtOnce_OnStderr(params string[] arguments)
    {
        var (exit, output, errors) = await BuiltProgram.RunAsync(Tool, ["mcp", .. arguments]);
        Assert.Equal(1, exit);
        Assert.Empty(output);
        Assert.StartsWith("error:", errors);
        Assert.DoesNotContain("   at ", errors);
    }
}
