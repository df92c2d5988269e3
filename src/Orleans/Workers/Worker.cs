using System.Runtime.CompilerServices;
using D2Pruner.AI.Orleans.Client;
using D2Pruner.AI.Orleans.Placement;
using D2Pruner.AI.Orleans.Wire;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Runtime;

namespace D2Pruner.AI.Orleans.Workers;

/// <summary>The engines of a silo, and the answers that they are giving to the cluster.</summary>
internal sealed class Worker
{
    private readonly Dictionary<string, WorkerModel> _models = new(StringComparer.Ordinal);
    private readonly SiloAddress _silo;
    private readonly string _address;
    private readonly ImageStore _store;
    private readonly ClusterView _view;
    private readonly IOptions<D2PrunerClusterOptions> _options;
    private readonly PrunerRegistry _pruners;
    private volatile bool _draining;

    /// <exception cref="InvalidOperationException">A model is not registered.</exception>
    public Worker(
        ILocalSiloDetails silo, ImageStore store, ClusterView view, IOptions<D2PrunerClusterOptions> options,
        IOptions<D2PrunerWorkerOptions> own, PrunerRegistry pruners, IServiceProvider services)
    {
        (_silo, _address, _store, _view) = (silo.SiloAddress, silo.SiloAddress.ToParsableString(), store, view);
        (_options, _pruners) = (options, pruners);
        var given = services.GetServices<ServedModel>().ToDictionary(m => m.Name, m => m.Source, StringComparer.Ordinal);
        var names = own.Value.Models.Count > 0 ? own.Value.Models
            : [.. services.GetServices<RegisteredModel>().Select(m => m.Name), .. given.Keys];
        foreach (var name in names)
        {
            _models[name] = new WorkerModel(
                name, given.GetValueOrDefault(name) ?? RegisteredModel.Find(services, name, "The worker").Model);
        }
    }

    public IReadOnlyCollection<WorkerModel> Models => _models.Values;

    /// <summary>Answers in progress.</summary>
    public int Running => _models.Values.Sum(m => m.Load);

    /// <summary>Takes nothing new from now on.</summary>
    public void Drain() => _draining = true;

    public WorkerReport Report() => new(_silo, _draining, [.. _models.Values.Select(m => m.Report()).OfType<ModelReport>()]);

    /// <summary>Answers a request, or says why not. What goes wrong is said too, never thrown: exceptions are the cluster's own.</summary>
    public async IAsyncEnumerable<AnswerEvent> AnswerAsync(
        GrainRoute route, AnswerRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (_draining || _models.GetValueOrDefault(route.Model) is not { } model || model.Fingerprint != route.Fingerprint
            || HandsOn(model, route, request))
        {
            yield return new AnswerEvent(AnswerEventKind.Declined, Worker: _address);
            yield break;
        }

        if (!model.TryBegin(route.Image))
        {
            yield return new AnswerEvent(AnswerEventKind.Full, Worker: _address);
            yield break;
        }

        try
        {
            var (prepared, word) = Prepare(request);
            if (word is not null) yield return word;
            if (prepared is null) yield break;
            yield return new AnswerEvent(AnswerEventKind.Accepted, Worker: _address);
            await foreach (var said in RunAsync(model, route, prepared, cancellationToken).ConfigureAwait(false)) yield return said;
        }
        finally
        {
            model.End();
        }
    }

    private (VisionRequest? Request, AnswerEvent? Word) Prepare(AnswerRequest request)
    {
        try
        {
            var images = _store.Resolve(request, out var missing);
            return missing.Count > 0 ? (null, new AnswerEvent(AnswerEventKind.ImagesMissing, string.Join(' ', missing)))
                : (WireJson.Read<RequestForm>(request.Json).ToRequest(images, _pruners), null);
        }
        catch (Exception e)
        {
            return (null, Failed(e));
        }
    }

    private async IAsyncEnumerable<AnswerEvent> RunAsync(
        WorkerModel model, GrainRoute route, VisionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerator<GenerationEvent>? events = null;
        try
        {
            while (true)
            {
                AnswerEvent said;
                try
                {
                    events ??= await BeginAsync(model, route, request, cancellationToken).ConfigureAwait(false);
                    if (events is null)
                    {
                        said = new AnswerEvent(AnswerEventKind.Declined, Worker: _address);
                    }
                    else
                    {
                        if (!await events.MoveNextAsync().ConfigureAwait(false)) yield break;
                        said = events.Current switch
                        {
                            PrefillCompleted prefill => new AnswerEvent(AnswerEventKind.Prefilled, WireJson.Write(prefill.Prefill)),
                            TextDelta text => new AnswerEvent(AnswerEventKind.Text, text.Text),
                            GenerationCompleted done => new AnswerEvent(AnswerEventKind.Completed, WireJson.Write(done.Result)),
                            var other => throw new NotSupportedException($"An engine's event {other.GetType().Name} cannot travel."),
                        };
                    }
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested)
                {
                    said = Failed(e);
                }

                yield return said;
                if (said.IsLast) yield break;
            }
        }
        finally
        {
            if (events is not null) await events.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Null where the engine has been loaded anew meanwhile, as another version than the one that must answer.
    private static async ValueTask<IAsyncEnumerator<GenerationEvent>?> BeginAsync(
        WorkerModel model, GrainRoute route, VisionRequest request, CancellationToken cancellationToken)
    {
        var (engine, fingerprint) = await model.LoadAsync(cancellationToken).ConfigureAwait(false);
        return fingerprint == route.Fingerprint ? engine.GenerateAsync(request, cancellationToken).GetAsyncEnumerator(cancellationToken)
            : null;
    }

    // An image that is asked about more than one worker can answer goes to a second one too.
    private bool HandsOn(WorkerModel model, GrainRoute route, AnswerRequest request)
    {
        if (route.Image is null || model.Report() is not { } mine) return false;
        var serving = _view.Latest.Serving(route.Model, route.Fingerprint).ToList();
        if (serving.Count < 2 || request.Hops >= WorkerChoice.Spread(_options.Value.Spread, serving.Count) - 1) return false;
        var total = serving.Sum(w => w.Worker.Silo.Equals(_silo) ? (long)mine.Load : w.Model.Load);
        var state = WorkerStates.Of(new WorkerReport(_silo, false, []), mine, null);
        return WorkerChoice.IsOver(state, total, serving.Count, _options.Value.LoadBound);
    }

    private static AnswerEvent Failed(Exception e) => new(AnswerEventKind.Failed, WireJson.Write(ErrorForm.Of(e)));
}
