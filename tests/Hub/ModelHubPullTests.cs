using System.Text;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Models;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace D2Pruner.AI.Tests.Hub;

/// <summary>What a pull fetches, where it puts it, and what it leaves alone.</summary>
public sealed class ModelHubPullTests : HubTest
{
    [Fact]
    public async Task Layout_IsTheHubsOwn()
    {
        Hub.Add("README.md", [1]);
        Hub.Add("pytorch_model.bin", [1, 2, 3]);
        Hub.Add("consolidated.safetensors", [1, 2, 3]);
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(Snapshot, snapshot.Folder);
        Assert.Equal(Hub.Commit, File.ReadAllText(Path.Combine(Cache, "models--owner--tiny", "refs", "main")));
        Assert.Equal(Directory.GetFiles(TinyModel).Select(Path.GetFileName).Order(),
            Directory.GetFiles(snapshot.Folder).Select(Path.GetFileName).Order());
        var link = new FileInfo(Path.Combine(snapshot.Folder, Weights));
        Assert.Equal(Path.Combine("..", "..", "blobs", FakeHub.Etag(Hub.Content(Weights), true)), link.LinkTarget);
        Assert.All(Directory.GetFiles(snapshot.Folder),
            f => Assert.Equal(File.ReadAllBytes(Path.Combine(TinyModel, Path.GetFileName(f))), File.ReadAllBytes(f)));
        Assert.Equal(snapshot.Bytes, snapshot.BytesFetched);
        Assert.Equal("llava", ModelFamilies.Read(CheckpointFolder.Open(snapshot.Folder)).Family);
        Assert.DoesNotContain(Blobs(), b => b.EndsWith(".incomplete", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SecondPull_FetchesNothing()
    {
        await ModelHub.PullAsync(Id, Options());
        Hub.Requests.Clear();
        var again = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(0, again.BytesFetched);
        Assert.All(Hub.Requests, r => Assert.StartsWith("/api/", r.Path, StringComparison.Ordinal));
    }

    [Fact]
    public async Task NewCommit_FetchesOnlyWhatChanged()
    {
        await ModelHub.PullAsync(Id, Options());
        Hub.Commit = new('c', 40);
        Hub.Add("generation_config.json", Encoding.UTF8.GetBytes("{ }"));
        Hub.Requests.Clear();
        var again = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(3, again.BytesFetched);
        Assert.Empty(Hub.Gets(Weights));
        Assert.Equal(Hub.Commit, File.ReadAllText(Path.Combine(Cache, "models--owner--tiny", "refs", "main")));
    }

    /// <summary>Where a plain file stands in a link's place, as on systems without links.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HalfAFile_IsNamed_AndReplaced(bool withContent)
    {
        var snapshot = await ModelHub.PullAsync(Id, Options());
        var file = Path.Combine(snapshot.Folder, Weights);
        var content = new FileInfo(file).ResolveLinkTarget(true)!.FullName;
        File.Delete(file);
        File.WriteAllBytes(file, Hub.Content(Weights)[..1000]);
        if (!withContent) File.Delete(content);
        Assert.Contains(await ModelHub.VerifyAsync(Id, Options()), f => f is { Name: Weights, Problem: not null });
        await ModelHub.PullAsync(Id, Options());
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(file));
        Assert.All(await ModelHub.VerifyAsync(Id, Options()), f => Assert.Null(f.Problem));
    }

    [Fact]
    public async Task PriorsOfEveryPrecision_AreFetched_AndAreNoWeights()
    {
        var quantizations = Enum.GetValues<ModelQuantization>();
        Hub.Add("weights.safetensors", Hub.Content(Weights));
        Hub.Remove(Weights);
        foreach (var q in quantizations) Hub.Add(Path.GetFileName(ModelLoader.PriorPath("", q)), [(byte)q]);
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(Path.Combine(snapshot.Folder, "weights.safetensors"),
            Assert.Single(CheckpointFolder.Open(snapshot.Folder).WeightFiles()));
        Assert.All(quantizations, q => Assert.Equal(new[] { (byte)q }, File.ReadAllBytes(ModelLoader.PriorPath(snapshot.Folder, q))));
    }

    [Fact]
    public async Task Token_GoesToTheEndpointAlone()
    {
        await ModelHub.PullAsync(Id, Options("hf_secret"));
        Assert.Contains(Hub.Requests, r => r.Network);
        Assert.All(Hub.Requests, r => Assert.Equal(r.Network ? null : "Bearer hf_secret", r.Authorization));
    }

    [Fact]
    public async Task Shards_ComeTwoAtATime()
    {
        Hub.Remove(Weights);
        foreach (var file in Directory.GetFiles(ShardedModel)) Hub.Add(Path.GetFileName(file), File.ReadAllBytes(file));
        Hub.Body = async (context, name, rest) =>
        {
            if (name.EndsWith(".safetensors", StringComparison.Ordinal)) await Task.Delay(150);
            return false;
        };
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(3, CheckpointFolder.Open(snapshot.Folder).WeightFiles().Count);
        Assert.Equal(2, Hub.MostAtOnce);
    }

    [Fact]
    public async Task ListingWithoutHashes_IsCompletedByHeaders()
    {
        Hub.ListsBlobs = false;
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.Contains(Hub.Requests, r => r.Method == "HEAD");
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(Path.Combine(snapshot.Folder, Weights)));
        Assert.Contains(Blobs(), b => Path.GetFileName(b) == FakeHub.Etag(Hub.Content(Weights), true));
    }

    [Fact]
    public async Task Revision_IsKeptApart()
    {
        Hub.Revisions.Add("refs/pr/1");
        var snapshot = await ModelHub.PullAsync($"{Id}@refs/pr/1", Options());
        Assert.Equal(snapshot.Folder, ModelHub.Find($"{Id}@refs/pr/1", Options()));
        Assert.Equal(snapshot.Folder, ModelHub.Find($"{Id}@{Hub.Commit}", Options()));
        Assert.False(File.Exists(Path.Combine(Cache, "models--owner--tiny", "refs", "main")));
    }

    [Fact]
    public async Task OnlyBin_IsRefusedBeforeAnythingIsFetched()
    {
        Hub.Remove(Weights);
        Hub.Add("pytorch_model.bin", [1]);
        var e = await FailsAsync();
        Assert.Equal(HubErrorKind.Unsupported, e.Kind);
        Assert.Contains(".bin", e.Message, StringComparison.Ordinal);
        Assert.Single(Hub.Requests);
    }

    [Fact]
    public async Task UnknownFamily_IsRefusedBeforeTheWeights()
    {
        Hub.Add("config.json", Encoding.UTF8.GetBytes("""{ "model_type": "bert" }"""));
        var options = Options();
        options.Accept = folder => ModelFamilies.Read(folder);
        await Assert.ThrowsAsync<CheckpointException>(() => ModelHub.PullAsync(Id, options));
        Assert.Empty(Hub.Gets(Weights));
        Assert.Null(ModelHub.Find(Id, Options()));
    }

    [Fact]
    public async Task NamesThatLeaveTheFolder_AreIgnored_AndRefusedInAnIndex()
    {
        Hub.AddToListing("../../evil.json");
        Hub.AddToListing("sub/config.json");
        await ModelHub.PullAsync(Id, Options());
        Assert.DoesNotContain(Hub.Requests, r => r.Path.Contains("evil", StringComparison.Ordinal));
        Hub.Commit = new('d', 40);
        Hub.Remove(Weights);
        Hub.Add("model.safetensors.index.json", Encoding.UTF8.GetBytes("""{ "weight_map": { "a": "../../../evil.safetensors" } }"""));
        Assert.Equal(HubErrorKind.Unsupported, (await FailsAsync()).Kind);
    }

    [Fact]
    public async Task DiskSpace_IsCheckedFirst()
    {
        var options = Options();
        options.FreeBytes = _ => 1000;
        var e = await FailsAsync(options: options);
        Assert.Equal(HubErrorKind.NoSpace, e.Kind);
        Assert.Contains("1,000 bytes", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Hub.Requests, r => !r.Path.StartsWith("/api/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Offline_AsksNobody()
    {
        var options = Options();
        options.Offline = true;
        Assert.Equal(HubErrorKind.Offline, (await FailsAsync(options: options)).Kind);
        await ModelHub.PullAsync(Id, Options());
        Hub.Requests.Clear();
        Assert.Equal(Snapshot, (await ModelHub.PullAsync(Id, options)).Folder);
        Assert.Empty(Hub.Requests);
    }

    [Fact]
    public async Task TwoPulls_ShareOneTransfer()
    {
        Hub.Body = async (_, _, _) =>
        {
            await Task.Delay(50);
            return false;
        };
        var both = await Task.WhenAll(ModelHub.PullAsync(Id, Options()), ModelHub.PullAsync(Id, Options()));
        Assert.Equal(both[0].Folder, both[1].Folder);
        Assert.Single(Hub.Gets(Weights), r => r.Network);
        Assert.Equal(both[0].Bytes, both[0].BytesFetched + both[1].BytesFetched);
    }

    [Fact]
    public async Task Progress_EndsWithEverything()
    {
        var reports = new List<HubProgress>();
        var snapshot = await ModelHub.PullAsync(Id, Options(), new Collector(reports));
        var last = reports[^1];
        Assert.Equal((snapshot.Bytes, snapshot.Bytes, 1.0), (last.BytesDone, last.BytesTotal, last.Fraction));
        Assert.Equal(last.FilesTotal, last.FilesDone);
        Assert.Contains(reports, r => r.Stage.Contains(Weights, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("name")]
    [InlineData("a/b/c")]
    [InlineData("../x")]
    [InlineData("a/b@")]
    [InlineData("a/b@../x")]
    [InlineData("a/b c")]
    public async Task Ids_AreChecked(string id) => await Assert.ThrowsAsync<ArgumentException>(() => ModelHub.PullAsync(id, Options()));

    private sealed class Collector(List<HubProgress> reports) : IProgress<HubProgress>
    {
        public void Report(HubProgress value)
        {
            lock (reports) reports.Add(value);
        }
    }
}
