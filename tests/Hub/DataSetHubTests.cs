using D2Pruner.AI.Runtime.Checkpoints.Hub;
using Xunit;

namespace D2Pruner.AI.Tests.Hub;

/// <summary>Data sets: wanted files with their folders, in the cache folder of data sets.</summary>
public sealed class DataSetHubTests : HubTest
{
    [Fact]
    public async Task WantedFiles_KeepTheirFolders()
    {
        Hub.Add("data/test-00000-of-00001.parquet", [1, 2, 3]);
        Hub.Add("data/train-00000-of-00001.parquet", [4, 5]);
        var snapshot = await DataSetHub.PullAsync(Id, f => f.Contains("test-", StringComparison.Ordinal), Options());
        Assert.Equal(Path.Combine(Cache, "datasets--owner--tiny", "snapshots", Hub.Commit), snapshot.Folder);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(Path.Combine(snapshot.Folder, "data", "test-00000-of-00001.parquet")));
        Assert.Single(Directory.GetFiles(snapshot.Folder, "*", SearchOption.AllDirectories));
        Assert.Equal(0, (await DataSetHub.PullAsync(Id, f => f.Contains("test-", StringComparison.Ordinal), Options())).BytesFetched);
        Assert.All(Hub.Requests, r => Assert.Contains("datasets/", r.Path, StringComparison.Ordinal));
    }

    [Fact]
    public async Task NothingWanted_SaysWhatThereIs() =>
        Assert.Contains("config.json",
            (await Assert.ThrowsAsync<HubException>(() => DataSetHub.PullAsync(Id, _ => false, Options()))).Message);
}
