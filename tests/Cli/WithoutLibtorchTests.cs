using System.Text.Json;
using System.Text.RegularExpressions;
using D2Pruner.AI.Cli;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary>The tool on a machine without libtorch: what needs no tensors works, the rest says what is missing. Each command in a process
/// of its own, as libtorch loads once.</summary>
[Collection(TorchCollection.Name)]
public sealed partial class WithoutLibtorchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task EveryCommand_ExplainsItself()
    {
        string[] names = ["", .. CommandLine.CreateRoot().Subcommands.Select(c => c.Name)];
        Assert.True(names.Length > 15);
        await Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (name, _) =>
        {
            var (code, output, errors) = await RunAsync(name.Length == 0 ? ["--help"] : [name, "--help"]);
            Assert.True(code == 0, $"{name}: {errors}");
            Assert.Contains(name.Length == 0 ? "inspect" : $"d2pruner {name}", output, StringComparison.Ordinal);
        });
        AssertNothingNativeWasLoaded();
    }

    [Fact]
    public async Task Inspect_ExplainsAModel()
    {
        var (code, output, errors) = await RunAsync("inspect", Repository.DemoModel, "--json", "--device", "cpu", "--quantization", "Int4");
        Assert.True(code == 0, errors);
        Assert.Equal([2, 5], JsonDocument.Parse(output).RootElement.GetProperty("prior_layers").EnumerateArray().Select(k => k.GetInt32()));
        (code, output, errors) = await RunAsync("inspect", Repository.DemoModel);
        Assert.True(code == 0, errors);
        Assert.Contains("verdict", output, StringComparison.Ordinal);
        // Piped, a row stays on its line, however long.
        Assert.Contains(output.Split('\n'), l => l.Contains("bytes in 16 bit", StringComparison.Ordinal)
            && l.Contains("Int4", StringComparison.Ordinal));
        AssertNothingNativeWasLoaded();
    }

    [Theory]
    [InlineData("pivot_ratio", "methods")]
    [InlineData("InternVL2_5-1B", "models")]
    [InlineData("d2pruner complete", "completions", "bash")]
    [InlineData("inspect", "complete", "14", "d2pruner inspe")]
    [InlineData("--no-memory-check", "complete", "18", "d2pruner ask --no-")]
    public async Task WhatNeedsNoTensors_Works(string says, params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(arguments);
        Assert.True(code == 0, errors);
        Assert.Contains(says, output, StringComparison.Ordinal);
        AssertNothingNativeWasLoaded();
    }

    [Theory]
    [InlineData("ask", "--prompt", "Hello")]
    [InlineData("mcp")]
    [InlineData("serve", "--port", "0")]
    public async Task WhatComputes_SaysWhatIsMissing(params string[] arguments)
    {
        var (code, output, errors) = await RunAsync([.. arguments, "--model", Repository.DemoModel]);
        Assert.Equal(1, code);
        Assert.Empty(output);
        Assert.Contains("D2PRUNER_LIBTORCH", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    // The loader's own record: looking for a library counts too.
    private void AssertNothingNativeWasLoaded()
    {
        if (!OperatingSystem.IsLinux()) return;
        var logs = Directory.GetFiles(_folder.Path, "loader.*");
        Assert.NotEmpty(logs);
        Assert.DoesNotContain(logs.SelectMany(File.ReadLines), Libtorch().IsMatch);
    }

    private Task<(int Code, string Output, string Errors)> RunAsync(params string[] arguments) => BuiltProgram.RunAsync(
        BuiltProgram.Path("src/Cli", "d2pruner"), arguments, new Dictionary<string, string?>
        {
            ["D2PRUNER_LIBTORCH"] = Directory.CreateDirectory(_folder.File("empty")).FullName,
            ["LD_LIBRARY_PATH"] = null,
            ["LD_DEBUG"] = "files",
            ["LD_DEBUG_OUTPUT"] = _folder.File("loader"),
        });

    [GeneratedRegex(@"file=.*(LibTorchSharp|libtorch|libc10)")]
    private static partial Regex Libtorch();
}
