using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;

namespace D2Pruner.AI.Tests.Server;

/// <summary>An engine in whatever state is asked.</summary>
internal sealed class StatefulEngine : IVisionEngine
{
    private readonly ScriptedEngine _inner = new();

    public EngineState State { get; set; } = EngineState.Ready;

    public VisionModelInfo Model => _inner.Model;

    public EngineStatus GetStatus() => new(State, 0, false, 0, "secret");

    public IAsyncEnumerable<GenerationEvent> GenerateAsync(VisionRequest request, CancellationToken cancellationToken = default) =>
        _inner.GenerateAsync(request, cancellationToken);
}
