using D2Pruner.AI.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

[Collection(TorchCollection.Name)]
public sealed class TorchEnvironmentTests
{
    [Fact]
    public void Probe_FindsLibtorch()
    {
        var report = TorchEnvironment.Probe();
        Assert.Null(report.Problem);
        Assert.StartsWith("2.10", report.LibtorchVersion);
        Assert.True(report.Threads > 0);
        TorchEnvironment.EnsureLoaded();
    }

    [Fact]
    public void UseLibtorch_RefusesWrongFolders_AndLateCalls()
    {
        TorchEnvironment.EnsureLoaded();
        using var folder = new TemporaryFolder();
        Assert.Throws<DirectoryNotFoundException>(() => TorchEnvironment.UseLibtorch(folder.File("nowhere")));
        Assert.Throws<TorchUnavailableException>(() => TorchEnvironment.UseLibtorch(folder.Path));
        File.WriteAllText(folder.File("libtorch_cpu.so"), "");
        File.WriteAllText(folder.File("torch_cpu.dll"), "");
        File.WriteAllText(folder.File("libtorch_cpu.dylib"), "");
        Assert.Throws<InvalidOperationException>(() => TorchEnvironment.UseLibtorch(folder.Path));
    }
}
