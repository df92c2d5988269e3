using D2Pruner.AI.Conformance;
using SkiaSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Faults;

/// <summary>Faults that once ended the process, each in a process of its own: it lives, says what
/// happened, and answers as before.</summary>
public sealed class ProcessFaultTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    private static string Image => Path.Combine(Fixture, "images", "p0.png");

    public void Dispose() => _folder.Dispose();

    [SkippableTheory]
    [InlineData("truncate", "same")]
    [InlineData("truncate-mapped", "error Unavailable")]
    [InlineData("overwrite", "same")]
    [InlineData("overwrite-mapped", "as anew")]
    [InlineData("replace", "same")]
    public async Task AFileThatChangesUnderALoadedModel_NeverSpoilsAnAnswer(string scenario, string expected)
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows locks files in use.");
        var run = await RunAsync(null, scenario);
        Assert.Contains($"fault: {expected}\n", run, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListenersThatThrow_AreNobodysTrouble()
    {
        var run = await RunAsync(null, "listeners");
        Assert.DoesNotContain("before: error", run, StringComparison.Ordinal);
        Assert.Matches("fault: error InvalidRequest, (?!error)", run);
        Assert.Contains("after: same\n", run, StringComparison.Ordinal);
        Assert.Contains("calls: some\n", run, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MemoryThatRunsOut_IsTheRequestsTrouble()
    {
        var large = _folder.File("large.png");
        using (var bitmap = new SKBitmap(4900, 5000))
        using (var file = File.Create(large))
        {
            bitmap.Encode(file, SKEncodedImageFormat.Png, 10);
        }

        // 64 MB of managed heap: enough for the model's files, not for 24 million pixels.
        var run = await RunAsync("DOTNET_GCHeapHardLimit=0x4000000 exec \"$@\"", "memory", large);
        Assert.Contains("fault: error TooLarge\n", run, StringComparison.Ordinal);
        Assert.Contains("after: same\n", run, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AWrongFolderOfLibtorch_IsNoObstacleToARightOne()
    {
        var run = await RunAsync("D2PRUNER_LIBTORCH=/nowhere exec \"$@\"", "libtorch");
        Assert.Contains("fault: D2PRUNER_LIBTORCH: There is no folder '/nowhere'.", run, StringComparison.Ordinal);
        Assert.Contains("after: usable\n", run, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AFullDisk_LeavesTheOldFile_AndNothingElse()
    {
        var disk = _folder.File("disk");
        Directory.CreateDirectory(disk);
        var run = await InANamespaceOfItsOwn(
            $"mount -t tmpfs -o size=100k tmpfs '{disk}' && printf old > '{disk}/prior.safetensors' && exec \"$@\"", "disk", disk);
        Assert.Contains("fault: IOException\n", run, StringComparison.Ordinal);
        Assert.Contains("files: prior.safetensors=3\n", run, StringComparison.Ordinal);
        // The same with room, so that the fault is the disk's.
        run = await InANamespaceOfItsOwn(
            $"mount -t tmpfs -o size=1m tmpfs '{disk}' && printf old > '{disk}/prior.safetensors' && exec \"$@\"", "disk", disk);
        Assert.Contains("fault: none\n", run, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AReadOnlyDisk_IsEnoughForAModel_AndSaysWhatItRefuses()
    {
        var model = Model();
        var run = await InANamespaceOfItsOwn(
            $"mount --bind '{model}' '{model}' && mount -o remount,ro,bind '{model}' && exec \"$@\"", "ask", model);
        Assert.Contains("before: ", run, StringComparison.Ordinal);
        Assert.DoesNotContain("before: error", run, StringComparison.Ordinal);
        run = await InANamespaceOfItsOwn(
            $"mount --bind '{model}' '{model}' && mount -o remount,ro,bind '{model}' && exec \"$@\"", "disk", model);
        Assert.Matches("fault: (IO|UnauthorizedAccess)Exception\n", run);
        Assert.DoesNotContain("tmp", run[run.IndexOf("files: ", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    private string Model()
    {
        var model = _folder.File("model");
        return Directory.Exists(model) ? model : _folder.Copy(Path.Combine(Fixture, "model"));
    }

    private async Task<string> RunAsync(string? shell, string scenario, params string[] more)
    {
        var run = await ChildProcess.RunAsync("FaultHost/D2Pruner.AI.FaultHost", shell, [scenario, Model(), Image, .. more]);
        Assert.True(run.ExitCode == 0, $"{scenario} ended with {run.ExitCode}:\n{run.Output}");
        return run.Output.ReplaceLineEndings("\n");
    }

    // Mounts need rights; a user namespace has them where the system allows one.
    private async Task<string> InANamespaceOfItsOwn(string line, string scenario, string folder)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "User namespaces are Linux'.");
        var probe = _folder.File("probe");
        Directory.CreateDirectory(probe);
        using var unshare = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("sh", ["-c", $"unshare -rm sh -c \"mount -t tmpfs tmpfs '{probe}'\" 2>/dev/null"]))!;
        await unshare.WaitForExitAsync();
        Skip.If(unshare.ExitCode != 0, "This system allows no user namespace with mounts.");
        return await RunAsync($"exec unshare -rm sh -c '{line.Replace("'", "'\\''", StringComparison.Ordinal)}' sh \"$@\"",
            scenario, folder);
    }
}
