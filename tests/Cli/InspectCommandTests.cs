using System.Text.Json;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Conformance;
using Spectre.Console;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary><c>inspect</c> explains every family from its configuration alone.</summary>
[Collection(TorchCollection.Name)]
public sealed class InspectCommandTests
{
    public static TheoryData<string> Plans() => [.. Directory.GetFiles(Path.Combine(FixtureFolders.Copies!, "plans"), "*.json").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Plans))]
    public async Task RealConfigurations_AreExplained(string file)
    {
        var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "plans", file))).RootElement;
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), json.GetProperty("config").GetRawText());
        var (code, text) = await Run(folder.Path, "--size", "1024x768");
        Assert.Equal(0, code);
        Assert.Contains(json.GetProperty("parameters").GetInt64().ToString("D", System.Globalization.CultureInfo.InvariantCulture), text, StringComparison.Ordinal);
        foreach (var part in new[] { "bytes in 16 bit", "visual tokens, grid", "KV of the picture", "instead of" }) Assert.Contains(part, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Size_IsChecked() => Assert.Equal(1, (await Run(Path.Combine(FixtureFolders.Copies!, "internvl-hf", "model"), "--size", "wide")).Code);

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
