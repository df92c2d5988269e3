using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Native;

/// <summary>A lock that another one holds is waited for; what else keeps a lock file from being opened is told.</summary>
public sealed class FileLockTests
{
    [Fact]
    public void HeldLock_IsNotTakenTwice()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a.lock");
        var first = FileLock.TryTake(path);
        Assert.NotNull(first);
        Assert.Null(FileLock.TryTake(path));
        first.Dispose();
        using var again = FileLock.TryTake(path);
        Assert.NotNull(again);
    }

    // As .NET makes them on Unix: too many open files, no space, a read-only file system, a program that runs.
    [Theory]
    [InlineData(24)]
    [InlineData(28)]
    [InlineData(30)]
    [InlineData(26)]
    public void OtherFailures_AreNoHeldLock(int error) => Assert.False(FileLock.IsHeld(new IOException("", error)));
}
