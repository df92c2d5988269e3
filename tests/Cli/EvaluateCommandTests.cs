using System.CommandLine;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary><c>evaluate</c> and <c>tune</c> as they are typed; what they compute has tests of its own.</summary>
[Collection(TorchCollection.Name)]
public sealed class EvaluateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Evaluate_WritesAReport()
    {
        var (code, output, error) = await ConsoleRun.OfAsync(
            EvaluateCommand.Create(), "--model", Repository.DemoModel, "--data", "demo", "--methods", "d2pruner", "--keep", "64",
            "--limit", "2", "--seed", "1", "--out", _folder.File("report"));
        Assert.True(code == 0, error);
        Assert.Contains("Written: ", output, StringComparison.Ordinal);
        Assert.DoesNotContain(" left (", output, StringComparison.Ordinal); // progress goes to standard error
        Assert.Contains(" left (", error, StringComparison.Ordinal);
        Assert.Contains("d2pruner", await File.ReadAllTextAsync(_folder.File("report/report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_LoadsTheModelAsItIsTold()
    {
        var (code, _, error) = await ConsoleRun.OfAsync(
            EvaluateCommand.Create(), "--model", Repository.DemoModel, "--data", "demo", "--methods", "d2pruner", "--keep", "64",
            "--limit", "1", "--quantization", "Int8", "--no-memory-check", "--out", _folder.File("rounded"));
        Assert.True(code == 0, error);
        Assert.Contains("int8", await File.ReadAllTextAsync(_folder.File("rounded/run.json")), StringComparison.Ordinal);
    }

    /// <summary>Every table has the controls, unless methods are named.</summary>
    [Fact]
    public void Evaluate_HasTheControlsByDefault()
    {
        string[] expected = ["default", "d2pruner", "fastv", "dart", "divprune", "random", "stride", "pool2x2", "pool3x3"];
        var typed = EvaluateCommand.Create().Parse(Array.Empty<string>()).GetValue<string>("--methods");
        Assert.Equal(string.Join(',', expected), typed);
        var options = new EvaluationOptions { Model = new VisionModelOptions(), Data = [], OutputFolder = "o" };
        Assert.Equal(expected, options.Methods);
    }

    [Fact]
    public void Evaluate_AsksAsPublishedByDefault()
    {
        Assert.Equal("published", EvaluateCommand.Create().Parse(Array.Empty<string>()).GetValue<string>("--harness"));
        Assert.Empty(EvaluateCommand.Create().Parse(["--harness", "served"]).Errors);
        Assert.NotEmpty(EvaluateCommand.Create().Parse(["--harness", "other"]).Errors);
    }

    [Fact]
    public async Task Tune_WritesAProfile()
    {
        File.Copy(Path.Combine(Repository.Root, "samples", "VisionAgent", "images", "shapes.png"), _folder.File("a.png"));
        File.Copy(Path.Combine(Repository.Root, "samples", "VisionAgent", "images", "changed.png"), _folder.File("b.png"));
        var (code, output, error) = await ConsoleRun.OfAsync(
            TuneCommand.Create(), "--model", Repository.DemoModel, "--images", _folder.Path, "--layer", "2,3", "--name", "mine", "--out",
            _folder.File("tuned"));
        Assert.True(code == 0, error);
        Assert.Contains("Suggested: method ", output, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder.File("tuned/mine.profile.json")));
    }

    [Fact]
    public async Task Tune_TriesItsFilesFirst()
    {
        File.Copy(Path.Combine(Repository.Root, "samples", "VisionAgent", "images", "shapes.png"), _folder.File("a.png"));
        var (code, _, error) = await ConsoleRun.OfAsync(
            TuneCommand.Create(), "--model", "no/such-model", "--images", _folder.Path, "--name", "a/b", "--out", _folder.Path);
        Assert.Equal(1, code);
        Assert.Contains("--name", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatHoldsNothing_IsToldWithoutAStack()
    {
        File.WriteAllText(_folder.File("empty.tsv"), "");
        var (code, _, error) = await ConsoleRun.OfAsync(
            EvaluateCommand.Create(), "--model", Repository.DemoModel, "--data", $"mmstar={_folder.File("empty.tsv")}", "--out",
            _folder.File("o"));
        Assert.Equal(1, code);
        Assert.Contains("empty.tsv", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    /// <summary>A signal ends a long command politely: what was answered stays, and the exit code says so. Not Ctrl-C's, which a process
    /// that was started in the background ignores.</summary>
    [Fact]
    public async Task Interrupted_SaysSo()
    {
        if (OperatingSystem.IsWindows()) return; // has no signals
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "dotnet", [BuiltProgram.Path("src/Cli", "d2pruner"), "evaluate", "--model", Repository.DemoModel, "--data", "demo", "--out",
                _folder.File("long")]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            // Progress: it is asking.
            while (await process.StandardError.ReadLineAsync() is { } line && !line.Contains(" left (", StringComparison.Ordinal)) { }
            using var kill = System.Diagnostics.Process.Start("kill", ["-TERM", $"{process.Id}"]);
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            var rest = await process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.Equal(130, process.ExitCode);
            Assert.Contains("Cancelled.", rest, StringComparison.Ordinal);
            Assert.NotEmpty(File.ReadAllText(_folder.File("long/samples.jsonl")));
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    [Theory]
    [InlineData("--model, --data and --out are needed", "--data", "demo")]
    [InlineData("--limit", "--model", "m", "--data", "demo", "--out", "o", "--limit", "0")]
    public async Task WhatIsMissing_IsTold(string says, params string[] arguments)
    {
        var (code, _, error) = await ConsoleRun.OfAsync(EvaluateCommand.Create(), arguments);
        Assert.Equal(1, code);
        Assert.Contains(says, error, StringComparison.Ordinal);
    }
}
