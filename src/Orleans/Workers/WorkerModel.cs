using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Orleans.Wire;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans.Workers;

/// <summary>A model on this worker: its engine, its version and what it has to do.</summary>
internal sealed class WorkerModel(string name, IModelSource source)
{
    // What a report tells of; more images than that are remembered by their grains alone.
    private const int Told = 512;
    private readonly RecentImages _images = new(Told);
    private int _load;
    private volatile Ready? _ready;

    public string Name => name;

    /// <summary>Requests of the cluster that are waiting and being answered here.</summary>
    public int Load => Volatile.Read(ref _load);

    /// <summary>The engine, loaded if need be.</summary>
    public async ValueTask<IVisionEngine> LoadAsync(CancellationToken cancellationToken)
    {
        var engine = await source.GetAsync(cancellationToken).ConfigureAwait(false);
        if (_ready?.Engine != engine)
            _ready = new Ready(engine, FingerprintOf(engine.Model), WireJson.Write(engine.Model with { Folder = "" }));
        return engine;
    }

    /// <summary>Its version; null while it is not loaded.</summary>
    public string? Fingerprint => _ready?.Fingerprint;

    /// <summary>What it tells of itself; null while it cannot answer.</summary>
    public ModelReport? Report()
    {
        if (_ready is not { } ready || source.Current?.GetStatus() is not { State: EngineState.Ready } status) return null;
        var load = Math.Max(Load, status.QueueLength + status.RunningSequences);
        return new ModelReport(
            name, ready.Fingerprint, ready.Info, load, Slots(status), Capacity(status),
            status.MaxKvBytes > 0 ? Math.Clamp((double)status.KvBytes / status.MaxKvBytes, 0, 1) : 0, _images.ToArray());
    }

    /// <summary>Begins a request where the line has a place.</summary>
    public bool TryBegin(string? image)
    {
        if (source.Current?.GetStatus() is not { } status) return false;
        if (Interlocked.Increment(ref _load) > Capacity(status))
        {
            End();
            return false;
        }

        if (image is not null) _images.Add(ImageHash.Short(image));
        return true;
    }

    /// <summary>Ends a request that was begun.</summary>
    public void End() => Interlocked.Decrement(ref _load);

    // What answers depend on; not where the model lies and what it runs on.
    private static string FingerprintOf(VisionModelInfo model) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        $"{model.Id}\n{model.Fingerprint}\n{model.TemplateHash}\n{model.DType}\n{model.ContextLength}")))[..16];

    private static int Slots(EngineStatus status) => Math.Max(1, status.MaxSequences);

    private static int Capacity(EngineStatus status) => Slots(status) + (status.QueueCapacity > 0 ? status.QueueCapacity : 64);

    private sealed record Ready(IVisionEngine Engine, string Fingerprint, string Info);
}
