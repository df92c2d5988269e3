using System.Diagnostics;
using Xunit;

namespace D2Pruner.AI.Tests.Packages;

/// <summary>Publishing as a single file that unpacks itself is refused with the reason.</summary>
public sealed class SingleFileTests
{
    [Theory]
    [InlineData("IncludeNativeLibrariesForSelfExtract")]
    [InlineData("IncludeAllContentForSelfExtract")]
    public async Task SelfExtraction_IsRefusedWithTheReason(string property)
    {
        var (code, output) = await Build($"-p:{property}=true");
        Assert.NotEqual(0, code);
        Assert.Contains("D2P0001", output, StringComparison.Ordinal);
        Assert.Contains("beside the program", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LibrariesBesideTheProgram_AreNotRefused()
    {
        var (code, output) = await Build();
        Assert.True(code == 0, output);
    }

    private static async Task<(int Code, string Output)> Build(params string[] properties)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        var project = Path.Combine(Repository.Root, "samples", "Quickstart", "Quickstart.csproj");
        foreach (var argument in (string[])[
            "msbuild", project, "-t:D2PrunerRefuseSelfExtraction", "-nologo", "-nodeReuse:false", "-p:PublishSingleFile=true",
            .. properties]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
