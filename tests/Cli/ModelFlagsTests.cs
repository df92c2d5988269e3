using System.CommandLine;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary>What messages and documents advise about loading a model, every command that loads one takes.</summary>
public sealed class ModelFlagsTests
{
    private static readonly string[] Flags =
        ["--device", "cpu", "--precision", "BFloat16", "--quantization", "Int4", "--quantize-head", "--activation-bits", "8", "--pull",
            "--no-memory-check"];

    public static TheoryData<string> Commands() =>
        [.. CommandLine.CreateRoot().Subcommands.Where(c => c.Options.Any(o => o.Name == "--model")).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void EveryCommandWithAModel_TakesThem(string name)
    {
        var command = CommandLine.CreateRoot().Subcommands.Single(c => c.Name == name);
        var errors = command.Parse(["--model", "m", .. Flags]).Errors.Select(e => e.Message);
        // What else a command needs is not at issue.
        Assert.All(errors, m => Assert.Contains("required", m, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void ThoseCommands_AreFound() =>
        Assert.Equal(["ask", "calibrate", "chat", "evaluate", "mcp", "overlay", "serve", "tune"],
            CommandLine.CreateRoot().Subcommands.Where(c => c.Options.Any(o => o.Name == "--pull")).Select(c => c.Name)
                .Order(StringComparer.Ordinal));

    [Fact]
    public void EachFlag_IsAnOption()
    {
        var command = new Command("load");
        var flags = new ModelFlags();
        flags.AddTo(command);
        var told = flags.Options(command.Parse(Flags), "m");
        Assert.Equal(("m", "cpu", ModelPrecision.BFloat16), (told.ModelPath, told.Device, told.Precision));
        Assert.Equal((ModelQuantization.Int4, true, 8), (told.Quantization, told.QuantizeHead, told.ActivationBits));
        Assert.Equal((true, false), (told.DownloadIfMissing, told.CheckMemory));

        var (untold, defaults) = (flags.Options(command.Parse(Array.Empty<string>()), "m"), new VisionModelOptions());
        Assert.Equal((defaults.Device, defaults.Precision), (untold.Device, untold.Precision));
        Assert.Equal((defaults.Quantization, defaults.QuantizeHead, defaults.ActivationBits),
            (untold.Quantization, untold.QuantizeHead, untold.ActivationBits));
        Assert.Equal((defaults.DownloadIfMissing, defaults.CheckMemory), (untold.DownloadIfMissing, untold.CheckMemory));
    }
}
