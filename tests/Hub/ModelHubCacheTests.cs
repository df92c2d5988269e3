using System.Text;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using Xunit;

namespace D2Pruner.AI.Tests.Hub;

/// <summary>Looking after the cache: list, remove, verify.</summary>
public sealed class ModelHubCacheTests : HubTest
{
    [Fact]
    public async Task List_NamesWhatIsThere()
    {
        Assert.Empty(ModelHub.List(Options()));
        var snapshot = await ModelHub.PullAsync(Id, Options());
        var model = Assert.Single(ModelHub.List(Options()));
        Assert.Equal((Id, Hub.Commit, snapshot.Bytes, true), (model.Repository, model.Commit, model.Bytes, model.Complete));
        Assert.Equal(["main"], model.References);
        File.Delete(Path.Combine(snapshot.Folder, Weights));
        Assert.False(Assert.Single(ModelHub.List(Options())).Complete);
        Assert.Null(ModelHub.Find(Id, Options()));
    }

    [Fact]
    public async Task Remove_OfARevision_KeepsWhatOthersShare()
    {
        await ModelHub.PullAsync(Id, Options());
        // The Python tools link into sub-folders, too.
        var blob = new string('d', 40);
        File.WriteAllText(Path.Combine(Cache, "models--owner--tiny", "blobs", blob), "deep");
        var deep = Path.Combine(Directory.CreateDirectory(Path.Combine(Snapshot, "onnx")).FullName, "model.onnx");
        File.CreateSymbolicLink(deep, Path.Combine("..", "..", "..", "blobs", blob));
        Hub.Commit = new('c', 40);
        Hub.Revisions.Add("v2");
        Hub.Add("generation_config.json", Encoding.UTF8.GetBytes("{ }"));
        await ModelHub.PullAsync($"{Id}@v2", Options());
        Assert.Equal(2, ModelHub.List(Options()).Count);
        Assert.InRange(ModelHub.Remove($"{Id}@v2", Options()), 3, 100);
        var left = Assert.Single(ModelHub.List(Options()));
        Assert.True(left.Complete);
        Assert.Equal(["main"], left.References);
        Assert.Equal("deep", File.ReadAllText(deep));
        Assert.All(await ModelHub.VerifyAsync(Id, Options()), f => Assert.Null(f.Problem));
    }

    [Fact]
    public async Task Remove_OfAModel_LeavesNothing()
    {
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.True(ModelHub.Remove(Id, Options()) >= snapshot.Bytes);
        Assert.False(Directory.Exists(Path.Combine(Cache, "models--owner--tiny")));
        Assert.Equal(HubErrorKind.NotFound, Assert.Throws<HubException>(() => ModelHub.Remove(Id, Options())).Kind);
    }

    [Fact]
    public async Task Remove_WhileAPullRuns_IsRefused_AndTakesNothingFromIt()
    {
        await ModelHub.PullAsync(Id, Options());
        Hub.Commit = new('c', 40);
        Hub.Revisions.Add("v2");
        Hub.Add(Weights, [.. Hub.Content(Weights), 0]);
        Exception? refused = null;
        Hub.Body = (_, name, _) =>
        {
            if (name == Weights) refused = Record.Exception(() => ModelHub.Remove($"{Id}@main", Options()));
            return Task.FromResult(false);
        };
        var snapshot = await ModelHub.PullAsync($"{Id}@v2", Options());
        Assert.Equal(HubErrorKind.Busy, Assert.IsType<HubException>(refused).Kind);
        Assert.Equal(2, ModelHub.List(Options()).Count);
        Assert.True(ModelHub.Remove($"{Id}@main", Options()) > 0);
        Assert.Equal(["v2"], Assert.Single(ModelHub.List(Options())).References);
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(Path.Combine(snapshot.Folder, Weights)));
    }

    [Fact]
    public async Task Verify_FindsAFlippedByte_AndAMissingFile()
    {
        var snapshot = await ModelHub.PullAsync(Id, Options());
        var files = await ModelHub.VerifyAsync(Id, Options());
        Assert.All(files, f => Assert.True(f is { Problem: null, Checked: true }, f.ToString()));
        foreach (var name in new[] { Weights, "config.json" })
        {
            var blob = new FileInfo(Path.Combine(snapshot.Folder, name)).ResolveLinkTarget(true)!.FullName;
            var bytes = File.ReadAllBytes(blob);
            bytes[^1] ^= 1;
            File.WriteAllBytes(blob, bytes);
            Assert.Equal(name, (await ModelHub.VerifyAsync(Id, Options()))[0].Name);
            bytes[^1] ^= 1;
            File.WriteAllBytes(blob, bytes);
        }

        File.Delete(new FileInfo(Path.Combine(snapshot.Folder, Weights)).ResolveLinkTarget(true)!.FullName);
        Assert.Contains(await ModelHub.VerifyAsync(Id, Options()), f => f.Problem is not null);
        Assert.Null(ModelHub.Find(Id, Options()));
    }
}
