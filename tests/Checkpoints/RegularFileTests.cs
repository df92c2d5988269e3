using System.Text;
using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Checkpoints;

/// <summary>Files are read only where they are files, and written whole or not at all.</summary>
public sealed class RegularFileTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [SkippableFact]
    public async Task PipesDevicesSocketsAndFolders_AreRefusedAtOnce()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        using var folder = new TemporaryFolder();
        foreach (var (path, kind) in new[] { (Fifo.Create(folder.File("pipe")), "a pipe"), ("/dev/zero", "a device"),
            (folder.Path, "a folder") })
        {
            var e = await Assert.ThrowsAsync<IOException>(() => Task.Run(() => RegularFile.ReadAllBytes(path)).WaitAsync(Patience));
            Assert.Contains(kind, e.Message, StringComparison.Ordinal);
            e = await Assert.ThrowsAsync<IOException>(() => RegularFile.ReadAllBytesAsync(path).WaitAsync(Patience));
            Assert.Contains(kind, e.Message, StringComparison.Ordinal);
        }

        // Through a link, too.
        File.CreateSymbolicLink(folder.File("link"), folder.File("pipe"));
        Assert.Contains("a pipe", Assert.Throws<IOException>(() => RegularFile.Open(folder.File("link"))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_AreReadWithinTheLimit()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("a"), [1, 2, 3]);
        Assert.Equal([1, 2, 3], RegularFile.ReadAllBytes(folder.File("a")));
        Assert.Equal([1, 2, 3], await RegularFile.ReadAllBytesAsync(folder.File("a")));
        Assert.Contains("3 bytes", Assert.Throws<IOException>(() => RegularFile.ReadAllBytes(folder.File("a"), 2)).Message,
            StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => RegularFile.ReadAllBytes(folder.File("none")));
        Assert.Throws<FileNotFoundException>(() => RegularFile.ReadAllBytes(Path.Combine(folder.File("a"), "below")));
        File.WriteAllBytes(folder.File("t"), [0xEF, 0xBB, 0xBF, (byte)'x']);
        Assert.Equal("x", RegularFile.ReadAllText(folder.File("t")));
        File.WriteAllBytes(folder.File("t"), [0xFF]);
        Assert.Throws<DecoderFallbackException>(() => RegularFile.ReadAllText(folder.File("t")));
    }

    /// <summary>A full disk fails in the middle of writing; each retry used to leave one more file.</summary>
    [Fact]
    public void FailedWrite_LeavesTheOldFileAndNothingElse()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("p.safetensors");
        AtomicFile.Write(path, [1]);
        for (var i = 0; i < 3; i++)
        {
            Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
            {
                stream.Write(new byte[1000]);
                throw new IOException("No space left on device");
            }));
        }

        Assert.Equal([1], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
        AtomicFile.Write(path, [2]);
        Assert.Equal([2], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [SkippableFact]
    public void Target_IsCheckedBeforeTheWork()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        using var folder = new TemporaryFolder();
        Assert.Contains("a folder", Assert.Throws<IOException>(() => AtomicFile.CheckWritable(folder.Path)).Message,
            StringComparison.Ordinal);
        Assert.Contains("a pipe", Assert.Throws<IOException>(() => AtomicFile.CheckWritable(Fifo.Create(folder.File("pipe")))).Message,
            StringComparison.Ordinal);
        Assert.Contains("a device", Assert.Throws<IOException>(() => AtomicFile.Write("/dev/full", [1])).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<IOException>(() => AtomicFile.CheckWritable(folder.File("no/such/file")));
        AtomicFile.CheckWritable(folder.File("new"));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }
}
