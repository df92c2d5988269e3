using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using Xunit;

namespace D2Pruner.AI.Tests.Hub;

/// <summary>A loopback Hub that holds a tiny model, and an empty cache.</summary>
public abstract class HubTest : IAsyncLifetime
{
    private protected const string Id = FakeHub.Repository;
    private protected const string Weights = "model.safetensors";

    private protected static string TinyModel { get; } = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");

    private protected static string ShardedModel { get; } = Path.Combine(FixtureFolders.Copies!, "llava-1.5-b", "model");

    private protected TemporaryFolder Folder { get; } = new();

    private protected FakeHub Hub { get; private set; } = null!;

    private protected string Cache => Folder.File("hub");

    private protected string Snapshot => Path.Combine(Cache, "models--owner--tiny", "snapshots", Hub.Commit);

    public virtual async Task InitializeAsync() => Hub = await FakeHub.StartAsync(TinyModel);

    public virtual async Task DisposeAsync()
    {
        await Hub.DisposeAsync();
        Folder.Dispose();
    }

    private protected HubOptions Options(string? token = null) => new()
    {
        Endpoint = Hub.Endpoint,
        CacheFolder = Cache,
        Token = token,
        Offline = false,
        RetryDelay = TimeSpan.FromMilliseconds(5),
        IdleTimeout = TimeSpan.FromSeconds(20),
    };

    private protected async Task<HubException> FailsAsync(string id = Id, HubOptions? options = null) =>
        await Assert.ThrowsAsync<HubException>(() => ModelHub.PullAsync(id, options ?? Options()));

    private protected string[] Blobs() => Directory.Exists(Path.Combine(Cache, "models--owner--tiny", "blobs"))
        ? Directory.GetFiles(Path.Combine(Cache, "models--owner--tiny", "blobs")) : [];
}
