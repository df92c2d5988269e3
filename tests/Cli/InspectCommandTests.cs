using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Models;
using Spectre.Console;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary><c>inspect</c> explains every family from its configuration alone.</summary>
[Collection(TorchCollection.Name)]
public sealed class InspectCommandTests
{
    public static TheoryData<string> Plans() =>
        [.. Directory.GetFiles(Path.Combine(FixtureFolders.Copies!, "plans"), "*.json").Select(f => Path.GetFileName(f)!)
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Plans))]
    public async Task RealConfigurations_AreExplained(string file)
    {
        var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "plans", file))).RootElement;
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), json.GetProperty("config").GetRawText());
        var (code, text) = await Run(folder.Path, "--size", "1024x768");
        Assert.Equal(0, code);
        Assert.Contains(json.GetProperty("parameters").GetInt64().ToString("D", System.Globalization.CultureInfo.InvariantCulture), text,
            StringComparison.Ordinal);
        foreach (var part in new[] { "bytes in 16 bit", "visual tokens, grid", "KV of the image", "instead of" })
            Assert.Contains(part, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Size_IsChecked() =>
        Assert.Equal(1, (await Run(Path.Combine(FixtureFolders.Copies!, "internvl-hf", "model"), "--size", "wide")).Code);

    [Fact]
    public async Task Json_HasTheDocumentedShape()
    {
        var (code, output, _) = await ConsoleRun.OfAsync(
            InspectCommand.Create(), Repository.DemoModel, "--json", "--images", "2", "--size", "300x200", "--device", "cpu");
        Assert.Equal(0, code);
        var json = JsonDocument.Parse(output).RootElement;
        Assert.Equal("llava", json.GetProperty("family").GetString());
        Assert.Equal(576, json.GetProperty("image").GetProperty("visual_tokens").GetInt32());
        Assert.Equal([2, 5], json.GetProperty("prior_layers").EnumerateArray().Select(k => k.GetInt32()));
        Assert.Equal(192, json.GetProperty("presets")[0].GetProperty("visual_tokens_kept").GetInt32());
        var memory = json.GetProperty("memory");
        Assert.True(memory.GetProperty("fits").GetBoolean());
        Assert.True(memory.GetProperty("kv_bytes").GetInt64() < memory.GetProperty("kv_bytes_unpruned").GetInt64());
        foreach (var key in new[] { "device", "precision", "images", "weight_bytes", "work_bytes", "total_bytes", "total_bytes_unpruned",
            "free_bytes", "fits_unpruned", "choices" }) Assert.True(memory.TryGetProperty(key, out _), key);
        Assert.Contains("\"prior_layers\": [2, 5]", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Activations_AreThoseInForce()
    {
        Assert.Equal("bfloat16", (await Inspected(Repository.DemoModel)).GetProperty("activations").GetString());
        Assert.Equal("int8", (await Inspected(Repository.DemoModel, "--quantization", "Int4", "--activation-bits", "8"))
            .GetProperty("activations").GetString());
        foreach (var flags in new[] { "--quantization None", "--quantization Int8", "--quantization Int4 --precision Float32" })
        {
            var (code, _, error) = await ConsoleRun.OfAsync(InspectCommand.Create(),
                [Repository.DemoModel, "--device", "cpu", "--activation-bits", "8", .. flags.Split(' ')]);
            Assert.Equal(1, code); // as a load
            Assert.Contains("--activation-bits is 8", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Prior_IsThatOfThePrecision()
    {
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(Repository.DemoModel, "config.json"), folder.File("config.json"));
        File.Copy(
            Path.Combine(Repository.DemoModel, ModelLoader.PriorFileName), ModelLoader.PriorPath(folder.Path, ModelQuantization.Int8));
        Assert.Equal(JsonValueKind.Null, (await Inspected(folder.Path)).GetProperty("prior_layers").ValueKind);
        var layers = (await Inspected(folder.Path, "--quantization", "Int8")).GetProperty("prior_layers");
        Assert.Equal([2, 5], layers.EnumerateArray().Select(k => k.GetInt32()));
        // Where it has none of its own, a load takes the checkpoint's.
        layers = (await Inspected(Repository.DemoModel, "--quantization", "Int4")).GetProperty("prior_layers");
        Assert.Equal([2, 5], layers.EnumerateArray().Select(k => k.GetInt32()));
    }

    [Fact]
    public async Task UnknownQuantization_IsToldInsteadOfFigures()
    {
        using var folder = new TemporaryFolder();
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.DemoModel, "config.json")))!;
        config["quantization_config"] = System.Text.Json.Nodes.JsonNode.Parse("""{ "quant_method": "hqq", "bits": 4 }""");
        File.WriteAllText(folder.File("config.json"), config.ToJsonString());
        var (code, output, error) = await ConsoleRun.OfAsync(InspectCommand.Create(), folder.Path);
        Assert.Equal(1, code);
        Assert.Contains("'hqq'", error, StringComparison.Ordinal);
        Assert.Empty(output);
    }

    private static async Task<JsonElement> Inspected(string model, params string[] flags)
    {
        var (code, output, error) = await ConsoleRun.OfAsync(InspectCommand.Create(), [model, "--json", "--device", "cpu", .. flags]);
        Assert.True(code == 0, error);
        return JsonDocument.Parse(output).RootElement;
    }

    private static async Task<(int Code, string Text)> Run(params string[] args)
    {
        var before = AnsiConsole.Console;
        using var writer = new StringWriter();
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(writer) });
        AnsiConsole.Console.Profile.Width = 400;
        try
        {
            return (await InspectCommand.Create().Parse(args).InvokeAsync(), writer.ToString());
        }
        finally
        {
            AnsiConsole.Console = before;
        }
    }
}
