using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>An engine that is already there.</summary>
internal sealed class LoadedModel(IVisionEngine engine) : IModelSource
{
    private string? _fingerprint;

    public string ModelId => engine.Model.Id;

    public IReadOnlyCollection<string> Names { get; } = [engine.Model.Id];

    // Kept once it is known; where it cannot be read, the next request looks again. The engine's own is that of the weights it was loaded
    // from, which the folder's may not be any more.
    public string Fingerprint => _fingerprint ??=
        string.Join('|', engine.Model.Id, engine.Model.DType, engine.Model.ContextLength, engine.Model.Fingerprint,
            Directory.Exists(engine.Model.Folder) ? ModelFolderCheck.Fingerprint(engine.Model.Folder) : "");

    public IVisionEngine Current => engine;

    public ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult(engine);
}
