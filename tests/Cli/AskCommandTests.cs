using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

[Collection(TorchCollection.Name)]
public sealed class AskCommandTests
{
    [Theory]
    [InlineData("0.25", 0.25, null)]
    [InlineData("1.0", 1.0, null)]
    [InlineData("1", null, 1)]
    [InlineData("128", null, 128)]
    [InlineData(null, null, null)]
    public void Keep_IsARatioOrANumber(string? text, double? ratio, int? tokens) =>
        Assert.Equal((ratio, tokens), PruningFlags.ParseKeep(text));

    [Theory]
    [InlineData("0")]
    [InlineData("1.5")]
    [InlineData("-3")]
    [InlineData("half")]
    public void Keep_RefusesTheRest(string text) =>
        Assert.Contains("--keep", Assert.Throws<ArgumentException>(() => PruningFlags.ParseKeep(text)).Message);

    // Told before a model is looked for.
    [Theory]
    [InlineData("--overlay", "o.png")]
    [InlineData("--runs", "5")]
    [InlineData("--json")]
    [InlineData("--compare")]
    public async Task AConversation_RefusesWhatItCannotDo(params string[] arguments)
    {
        var (code, _, error) = await ConsoleRun.OfAsync(
            AskCommand.Create(),
            ["--model", "no/such-model", "--image", Path.Combine(Repository.Root, "samples", "Grounding", "boxes.png"), .. arguments]);
        Assert.Equal(1, code);
        Assert.Contains(arguments[0], error, StringComparison.Ordinal);
    }

    /// <summary>Ctrl-C stops an answer of a conversation, and everything else ends.</summary>
    [Theory]
    [InlineData(null, "chat", "--model", "m")]
    [InlineData(null, "ask", "--model", "m")]
    [InlineData(null, "serve", "--model", "m")]
    [InlineData(2.0, "ask", "--model", "m", "--prompt", "p")]
    [InlineData(30.0, "quantize", "m", "o", "--bits", "4")]
    public void CtrlC_IsListenedToByWhoCan(double? seconds, params string[] arguments) =>
        Assert.Equal(seconds, CommandLine.TerminationTimeout(CommandLine.CreateRoot().Parse(arguments))?.TotalSeconds);

    [Fact]
    public void Libtorch_UnpackedHalf_IsNotThere()
    {
        if (LibtorchLocator.PackageId is not { } id) return;
        using var packages = new TemporaryFolder();
        var libraries = Directory.CreateDirectory(LibtorchLocator.Libraries(packages.Path)).FullName;
        File.WriteAllText(Path.Combine(libraries, TorchEnvironment.FileName("torch_cpu")), "");
        Assert.False(LibtorchLocator.IsWhole(packages.Path));
        File.WriteAllText(packages.File($"{id}/{LibtorchLocator.Version}/.nupkg.metadata"), "{}");
        Assert.True(LibtorchLocator.IsWhole(packages.Path));
    }

    [Fact]
    public async Task Json_HasTheDocumentedShape()
    {
        var fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        using var folder = new TemporaryFolder();
        var (code, output) = await Run(
            "--model", Path.Combine(fixture, "model"), "--image", Path.Combine(fixture, "images", "p0.png"), "--prompt", "What is this?",
            "--keep", "12", "--max-tokens", "3", "--json", "--overlay", folder.File("o.png"));
        Assert.Equal(0, code);
        var json = JsonDocument.Parse(output).RootElement;
        Assert.Equal(3, json.GetProperty("usage").GetProperty("output_tokens").GetInt32());
        Assert.Equal(12, json.GetProperty("pruning").GetProperty("visual_tokens_kept").GetInt32());
        Assert.Equal(12, json.GetProperty("pruning").GetProperty("images")[0].GetProperty("kept").GetArrayLength());
        foreach (var key in new[] { "text", "finish_reason", "model", "kv_bytes", "kv_bytes_unpruned", "times_ms", "tokens_per_second",
            "groundings" }) Assert.True(json.TryGetProperty(key, out _), key);
        Assert.True(ImageDecoder.Decode(File.ReadAllBytes(folder.File("o.png"))).Width > 0);
    }

    [Fact]
    public async Task Compare_AddsTheUnprunedAnswer()
    {
        var fixture = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");
        var (code, output) = await Run(
            "--model", Path.Combine(fixture, "model"), "--image", Path.Combine(fixture, "images", "p0.png"), "--prompt", "What is this?",
            "--keep", "12", "--max-tokens", "3", "--compare", "--json");
        Assert.Equal(0, code);
        var json = JsonDocument.Parse(output).RootElement;
        var plain = json.GetProperty("unpruned");
        Assert.True(json.GetProperty("kv_bytes").GetInt64() < plain.GetProperty("kv_bytes").GetInt64());
        Assert.Equal(plain.GetProperty("pruning").GetProperty("visual_tokens").GetInt32(),
            plain.GetProperty("pruning").GetProperty("visual_tokens_kept").GetInt32());
        Assert.True(plain.TryGetProperty("text", out _) && plain.GetProperty("times_ms").GetProperty("prefill").GetDouble() > 0);
    }

    [Fact]
    public async Task WrongModel_EndsWithAnError() => Assert.Equal(1, (await Run("--model", "no/such-model", "--prompt", "x")).Code);

    private static async Task<(int Code, string Output)> Run(params string[] args)
    {
        var before = Console.Out;
        using var writer = new StringWriter();
        Console.SetOut(writer);
        try
        {
            return (await AskCommand.Create().Parse(args).InvokeAsync(), writer.ToString());
        }
        finally
        {
            Console.SetOut(before);
        }
    }
}
