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
    private volatile Known? _known;

    public string Name => name;

    /// <summary>Requests of the cluster that are waiting and being answered here.</summary>
    public int Load => Volatile.Read(ref _load);

    /// <summary>The engine, loaded if need be, and its version: another one than before where the files have changed.</summary>
    public async ValueTask<(IVisionEngine Engine, string Fingerprint)> LoadAsync(CancellationToken cancellationToken)
    {
        var known = Know(await source.GetAsync(cancellationToken).ConfigureAwait(false));
        return (known.Engine, known.Fingerprint);
    }

    /// <summary>The version that can answer now; null while none can.</summary>
    public string? Fingerprint =>
        source.Current is { } engine && engine.GetStatus().State == EngineState.Ready ? Know(engine).Fingerprint : null;

    /// <summary>What it tells of itself; null while it cannot answer.</summary>
    public ModelReport? Report()
    {
        if (source.Current is not { } engine || engine.GetStatus() is not { State: EngineState.Ready } status) return null;
        var load = Math.Max(Load, status.QueueLength + status.RunningSequences);
        var known = Know(engine);
        return new ModelReport(
            name, known.Fingerprint, known.Info, load, Slots(status), Capacity(status),
            status.MaxKvBytes > 0 ? Math.Clamp((double)status.KvBytes / status.MaxKvBytes, 0, 1) : 0, _images.ToArray());
    }

    /// <summary>Begins a request where the line has a place.</summary>
    public bool TryBegin(string? image)
    {
        if (source.Current?.GetStatus() is not { State: EngineState.Ready } status) return false;
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

    // Whoever had it loaded: requests of this process share it.
    private Known Know(IVisionEngine engine)
    {
        if (_known is { } known && known.Engine == engine) return known;
        return _known = new Known(engine, FingerprintOf(engine.Model), WireJson.Write(engine.Model with { Folder = "" }));
    }

    // What answers depend on; not where the model lies and what it runs on.
    private static string FingerprintOf(VisionModelInfo model) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        $"{model.Id}\n{model.Fingerprint}\n{model.TemplateHash}\n{model.DType}\n{model.ContextLength}")))[..16];

    private static int Slots(EngineStatus status) => Math.Max(1, status.MaxSequences);

    private static int Capacity(EngineStatus status) => Slots(status) + (status.QueueCapacity > 0 ? status.QueueCapacity : 64);

    private sealed record Known(IVisionEngine Engine, string Fingerprint, string Info);
}
