using System.Text.Json;
using D2Pruner.AI.Tests.Provider;
using D2Pruner.AI.Tests.SemanticKernel;
using Xunit;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary>The reference client of the protocol, in Node, over both transports; it speaks the older handshake, with sessions.</summary>
[Collection(TorchCollection.Name)]
public sealed class ReferenceClientTests
{
    [SkippableFact]
    public async Task OverHttp()
    {
        using var outer = new TemporaryFolder();
        var folder = Folder(outer, Pictures.Png(1));
        // Slow enough to be cancelled between its pieces.
        var engine = new ScriptedEngine { Pieces = ["[0.25, 0.25,", " 0.5, 0.75]"], Delay = TimeSpan.FromMilliseconds(300) };
        await using var app = await HttpMcpTests.StartAsync(engine, folder, null);
        var seen = await ReferenceClient.RunAsync("http", app.Urls.Single() + "/mcp");
        Check(seen);
        Assert.Equal("[50,0,100,100]", seen.GetProperty("found").GetProperty("objects")[0].GetProperty("pixels").GetRawText());
        for (var i = 0; i < 1200 && !engine.SawCancellation; i++) await Task.Delay(50);
        Assert.True(engine.SawCancellation);
    }

    [SkippableFact]
    public async Task OverStdio_WithTheDemoModel()
    {
        using var outer = new TemporaryFolder();
        var folder = Folder(outer, Scenes.Shapes());
        var seen = await ReferenceClient.RunAsync("stdio", "dotnet", BuiltProgram.Path("src/Cli", "d2pruner"), "mcp", "--model",
            Repository.DemoModel, "--allow-folder", folder);
        Check(seen);
        Assert.Equal("red", seen.GetProperty("after").GetString());
    }

    private static string Folder(TemporaryFolder outer, byte[] image)
    {
        var folder = Directory.CreateDirectory(outer.File("allowed")).FullName;
        File.WriteAllBytes(Path.Combine(folder, "a.png"), image);
        File.WriteAllBytes(outer.File("secret.png"), image);
        return folder;
    }

    private static void Check(JsonElement seen)
    {
        Assert.Equal("d2pruner", seen.GetProperty("server").GetString());
        Assert.Equal(VisionTools.Names.Order(StringComparer.Ordinal), seen.GetProperty("tools").EnumerateArray()
            .Select(t => t.GetString()));
        Assert.Equal("[\"d2pruner://images/a.png\"]", seen.GetProperty("resources").GetRawText());
        Assert.Equal("image/png", seen.GetProperty("mimeType").GetString());
        Assert.Equal("[\"text\",\"image\"]", seen.GetProperty("kinds").GetRawText());
        Assert.Equal("Looking", seen.GetProperty("progress")[0].GetString());
        Assert.Equal("""{"isError":true,"kind":"invalid_request"}""", seen.GetProperty("denied").GetRawText());
        Assert.True(seen.GetProperty("cancelled").GetBoolean());
        Assert.NotEmpty(seen.GetProperty("after").GetString()!);
    }
}
