using System.Diagnostics;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Faults;

/// <summary>Pipes in place of files: nobody waits for a writer that never comes.</summary>
[Collection(TorchCollection.Name)]
public sealed class PipeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("preprocessor_config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("chat_template.jinja")]
    [InlineData("chat_template.json")]
    [InlineData("model.safetensors")]
    [InlineData("d2pruner-priors.safetensors")]
    public async Task InAModelFolder_IsATypedErrorAtOnce(string file)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Named pipes are Unix'.");
        var model = _folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        File.Delete(Path.Combine(model, file));
        MakePipe(Path.Combine(model, file));
        var load = Task.Run(async () => await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = model, Device = "cpu" }));
        var ended = await Task.WhenAny(load, Task.Delay(TimeSpan.FromSeconds(60)));
        Assert.True(ended == load, $"Loading waits for the pipe {file}.");
        var e = await Record.ExceptionAsync(() => load);
        Assert.True(e?.GetVisionErrorKind() == VisionErrorKind.Unavailable, $"{file}: {e}");
    }

    [SkippableFact]
    public async Task NamedByARequest_IsRefused_AndTheNextRequestAnswers()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Named pipes are Unix'.");
        var pipe = _folder.File("prior");
        MakePipe(pipe);
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"), Device = "cpu" });
        var client = engine.AsIChatClient();
        var question = new ChatMessage(
            ChatRole.User, [new DataContent(
                File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "images", "p0.png")), "image/png"),
                new TextContent("?")]);
        foreach (var path in new[] { pipe, "/etc/passwd", _folder.Path, "/dev/zero" })
        {
            var ask = client.GetResponseAsync([question], new ChatOptions { AdditionalProperties = new() { ["d2pruner.prior"] = path } });
            var e = await Assert.ThrowsAnyAsync<Exception>(() => ask.WaitAsync(TimeSpan.FromSeconds(60)));
            Assert.Equal(VisionErrorKind.InvalidRequest, e.GetVisionErrorKind());
        }

        Assert.True((await client.GetResponseAsync([question], new ChatOptions { MaxOutputTokens = 2 })).Usage!.OutputTokenCount > 0);
    }

    private static void MakePipe(string path)
    {
        using var make = Process.Start("mkfifo", path);
        make.WaitForExit();
        Assert.Equal(0, make.ExitCode);
    }
}
