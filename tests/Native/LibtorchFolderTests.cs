using System.Text.Json;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

/// <summary>An application without libtorch takes it from the folder that D2PRUNER_LIBTORCH names. In a process of
/// its own, as libtorch loads once.</summary>
[Collection(TorchCollection.Name)]
public sealed class LibtorchFolderTests
{
    // Its output has no libtorch.
    private static string Tool { get; } = BuiltProgram.Path("src/Cli", "d2pruner");

    private static string Natives { get; } =
        Path.Combine(AppContext.BaseDirectory, "runtimes", OperatingSystem.IsWindows() ? "win-x64" : OperatingSystem.IsMacOS() ? "osx-arm64"
            : "linux-x64", "native");

    [Fact]
    public async Task NamedFolder_Loads()
    {
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(Tool)!, "*torch_cpu*", SearchOption.AllDirectories));
        var (code, output, error) = await RunAsync(Natives, "doctor", "--quick", "--json");
        Assert.True(code == 0, $"{code}: {error}{output}");
        var libtorch = JsonDocument.Parse(output).RootElement.GetProperty("libtorch");
        Assert.True(libtorch.GetProperty("usable").GetBoolean());
        Assert.StartsWith("2.10", libtorch.GetProperty("version").GetString(), StringComparison.Ordinal);
        Assert.Equal(Path.GetFullPath(Natives), libtorch.GetProperty("folder").GetString());
    }

    [Fact]
    public async Task WrongFolder_IsTold_AndEndsWithOne()
    {
        using var folder = new TemporaryFolder();
        var (code, output, error) = await RunAsync(folder.Path, "doctor", "--quick");
        Assert.Equal(1, code);
        Assert.Contains("D2PRUNER_LIBTORCH", output + error, StringComparison.Ordinal);
        Assert.Contains("torch_cpu", output + error, StringComparison.Ordinal);
    }

    // The sample brings a libtorch of its own. Both loaded would end the process.
    [Fact]
    public async Task AFolderBesideTheApplicationsOwn_IsRefused()
    {
        var (code, output, error) = await BuiltProgram.RunAsync(BuiltProgram.Path("samples/DemoModel", "D2Pruner.AI.DemoModel"),
            ["evaluate", "--scenes", "1"], new Dictionary<string, string?> { ["D2PRUNER_LIBTORCH"] = Natives });
        Assert.True(code == 1, $"{code}: {error}{output}");
        Assert.Contains("libtorch lies beside the application", output + error, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Output, string Error)> RunAsync(string folder, params string[] args) =>
        BuiltProgram.RunAsync(
            Tool, args, new Dictionary<string, string?> { ["D2PRUNER_LIBTORCH"] = folder, ["LD_LIBRARY_PATH"] = null });
}
