using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>An engine that is already there.</summary>
internal sealed class LoadedModel(IVisionEngine engine) : IModelSource
{
    public string ModelId => engine.Model.Id;

    public IReadOnlyCollection<string> Names { get; } = [engine.Model.Id];

    public IVisionEngine Current => engine;

    public ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult(engine);
}
