using System.Globalization;
using Xunit;

namespace D2Pruner.AI.Tests.Faults;

/// <summary>A piece of tests/Fuzz: the corpus of inputs that once went wrong, and some hundred new
/// ones a target, always the same.</summary>
public sealed class FuzzPieceTests
{
    [Theory]
    [InlineData("schemas", 300)]
    [InlineData("requests", 1500)]
    [InlineData("messages", 1500)]
    [InlineData("config", 300)]
    [InlineData("generation_config", 60)]
    [InlineData("data_uris", 2000)]
    [InlineData("tool_results", 1500)]
    [InlineData("tool_calls", 1500)]
    [InlineData("images", 400)]
    [InlineData("safetensors", 1000)]
    [InlineData("priors", 1000)]
    [InlineData("tokenizer", 400)]
    public async Task HostileInputs_EndInTypedErrors(string target, int inputs)
    {
        var run = await ChildProcess.RunAsync(
            "Fuzz/D2Pruner.AI.Fuzz", null, "--target", target, "--inputs", inputs.ToString(CultureInfo.InvariantCulture));
        Assert.True(run.ExitCode == 0, run.Output);
        Assert.Contains($"target: {target} inputs: {inputs} aborts: 0 untyped: 0 hangs: 0 large_allocations: 0", run.Output,
            StringComparison.Ordinal);
    }
}
