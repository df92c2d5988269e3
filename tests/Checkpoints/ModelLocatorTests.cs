using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Checkpoints;

[Collection(TorchCollection.Name)]
public sealed class ModelLocatorTests : IDisposable
{
    private static readonly string[] Variables = ["HF_HUB_CACHE", "HF_HOME"];
    private readonly TemporaryFolder _folder = new();
    private readonly string?[] _before = [.. Variables.Select(Environment.GetEnvironmentVariable)];

    public ModelLocatorTests() => Set(null, _folder.Path);

    [Fact]
    public void Reference_NamesTheSnapshot()
    {
        var old = Snapshot(_folder.File("hub"), "aaa");
        var current = Snapshot(_folder.File("hub"), "bbb");
        Directory.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(1));
        var refs = Directory.CreateDirectory(Path.Combine(_folder.File("hub"), "models--owner--name", "refs")).FullName;
        File.WriteAllText(Path.Combine(refs, "main"), "bbb\n");
        Assert.Equal(current, ModelLocator.Resolve("owner/name"));
        // Without the reference the newest snapshot counts.
        File.Delete(Path.Combine(refs, "main"));
        Assert.Equal(old, ModelLocator.Resolve("owner/name"));
    }

    [Fact]
    public void HubCache_GoesBeforeHome()
    {
        Snapshot(_folder.File("hub"), "aaa");
        var other = Snapshot(_folder.File("elsewhere"), "ccc");
        Set(_folder.File("elsewhere"), _folder.Path);
        Assert.Equal(other, ModelLocator.Resolve("owner/name"));
    }

    [Fact]
    public void IncompleteSnapshot_DoesNotCount()
    {
        Directory.CreateDirectory(Path.Combine(_folder.File("hub"), "models--owner--name", "snapshots", "empty"));
        Assert.Contains("hf download owner/name", Assert.Throws<CheckpointException>(() => ModelLocator.Resolve("owner/name")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void MissingId_GivesTheExactCommand_AndTheCacheLookedInto()
    {
        var message = Assert.Throws<CheckpointException>(() => ModelLocator.Resolve("llava-hf/llava-1.5-7b-hf")).Message;
        Assert.Contains("hf download llava-hf/llava-1.5-7b-hf", message, StringComparison.Ordinal);
        Assert.Contains(_folder.File("hub"), message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("just-a-name")]
    [InlineData("../up")]
    [InlineData("a/b/c")]
    public void AnythingElse_IsAFolderThatIsNotThere(string text) =>
        Assert.Contains("no such folder", Assert.Throws<CheckpointException>(() => ModelLocator.Resolve(text)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Folder_GoesBeforeTheCache() => Assert.Equal(_folder.Path, ModelLocator.Resolve(_folder.Path));

    public void Dispose()
    {
        for (var i = 0; i < Variables.Length; i++) Environment.SetEnvironmentVariable(Variables[i], _before[i]);
        _folder.Dispose();
    }

    private static void Set(string? cache, string? home)
    {
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", cache);
        Environment.SetEnvironmentVariable("HF_HOME", home);
    }

    private static string Snapshot(string cache, string revision)
    {
        var folder = Directory.CreateDirectory(Path.Combine(cache, "models--owner--name", "snapshots", revision)).FullName;
        File.WriteAllText(Path.Combine(folder, "config.json"), "{}");
        return folder;
    }
}
