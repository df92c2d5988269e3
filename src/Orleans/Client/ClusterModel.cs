using D2Pruner.AI.Orleans.Placement;
using D2Pruner.AI.Orleans.Wire;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.Options;
using Orleans;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>A model somewhere in the cluster. Each request asks anew, because versions come and go; a conversation that was begun by one
/// goes on with it.</summary>
/// <param name="name">The model's name in the cluster.</param>
/// <param name="fingerprint">The version that must answer; null for any.</param>
/// <param name="grains">Reaches the cluster.</param>
/// <param name="view">What is known of it.</param>
/// <param name="options">How requests find their worker.</param>
/// <param name="clock">The time.</param>
internal sealed class ClusterModel(
    string name, string? fingerprint, IGrainFactory grains, ClusterView view, IOptions<D2PrunerClusterOptions> options, TimeProvider clock)
    : IModelSource
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private ClusterEngine? _engine;
    private ClusterModel? _origin;

    public string ModelId => name;

    // A request may also name the model as its worker does.
    public IReadOnlyCollection<string> Names => _engine is { } engine ? [name, engine.Model.Id] : [name];

    // Which version answers is not known before the first answer.
    public string? Fingerprint => (fingerprint ?? Engine?.Fingerprint) is { } version ? $"{name}|{version}" : null;

    public IVisionEngine? Current => _engine;

    /// <summary>The engine of the last request.</summary>
    public ClusterEngine? Engine => _engine;

    /// <summary>The same model for a conversation that a version of it began.</summary>
    public ClusterModel BegunBy(string? version) => new(name, version, grains, view, options, clock) { _engine = _engine, _origin = this };

    public async ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        while (true)
        {
            var board = await ReadAsync(start, cancellationToken).ConfigureAwait(false);
            var serving = board.Serving(name, fingerprint).ToList();
            if (serving.Count > 0)
            {
                var states = serving.Select(w => WorkerStates.Of(w.Worker, w.Model, null)).ToArray();
                var chosen = WorkerChoice.Choose(
                    states, null, (ulong)Random.Shared.NextInt64(), PlacementWeights.Of(options.Value));
                // A full cluster refuses later, with its numbers.
                var model = serving[Math.Max(0, chosen)].Model;
                _engine = new ClusterEngine(name, model, fingerprint is not null, grains, view, options, clock);
                // So that whoever asks between requests learns what the model is.
                if (_origin is not null) _origin._engine = _engine;
                return _engine;
            }

            if (clock.GetElapsedTime(start) >= options.Value.FailoverTimeout) throw Nobody(board);
            await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<BoardView> ReadAsync(long start, CancellationToken cancellationToken)
    {
        try
        {
            return await view.GetAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            if (clock.GetElapsedTime(start) < options.Value.FailoverTimeout) return BoardView.Empty;
            throw new EngineUnavailableException($"The cluster does not answer: {e.Message}", e);
        }
    }

    private Exception Nobody(BoardView board)
    {
        var versions = board.Versions(name);
        if (fingerprint is not null && versions.Count > 0) return new ModelReplacedException(name, fingerprint, versions);
        var others = board.Reports.SelectMany(r => r.Models).Select(m => $"'{m.Name}'").Distinct().ToList();
        return new EngineUnavailableException(
            $"No worker of the cluster serves the model '{name}' (workers: {board.Reports.Length}, models: " +
            $"{(others.Count == 0 ? "none" : string.Join(", ", others))}). Start a silo with AddD2PrunerWorker and a model of this name.");
    }
}
