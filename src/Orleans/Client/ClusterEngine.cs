using System.Runtime.CompilerServices;
using D2Pruner.AI.Orleans.Wire;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.Options;
using Orleans;

namespace D2Pruner.AI.Orleans.Client;

/// <summary>A version of a model in the cluster, as an engine: a request goes to the worker that holds its image, and is retried where
/// nobody can have seen anything of an answer.</summary>
/// <param name="name">The model's name in the cluster.</param>
/// <param name="report">The version that was chosen.</param>
/// <param name="pinned">Whether no other one may answer.</param>
/// <param name="grains">Reaches the cluster.</param>
/// <param name="view">What is known of it.</param>
/// <param name="options">How requests find their worker.</param>
/// <param name="clock">The time.</param>
internal sealed class ClusterEngine(
    string name, ModelReport report, bool pinned, IGrainFactory grains, ClusterView view, IOptions<D2PrunerClusterOptions> options,
    TimeProvider clock) : IVisionEngine
{
    public VisionModelInfo Model { get; } = WireJson.Read<VisionModelInfo>(report.Info);

    /// <summary>The version that answers.</summary>
    public string Fingerprint { get; private set; } = report.Fingerprint;

    /// <summary>The load of all workers of the model together, whatever their version, as far as they have told.</summary>
    public EngineStatus GetStatus()
    {
        // A server that is not ready gets no requests, which alone would read anew.
        view.Refresh();
        var models = view.Latest.Serving(name).Select(w => w.Model).ToList();
        var slots = models.Sum(m => m.Slots);
        var running = models.Sum(m => Math.Min(m.Load, m.Slots));
        return new EngineStatus(
            models.Count > 0 ? EngineState.Ready : EngineState.NotLoaded, models.Sum(m => m.Load) - running, running > 0, 0,
            QueueCapacity: (int)Math.Min(int.MaxValue, models.Sum(m => (long)m.Capacity) - slots))
        { RunningSequences = running, MaxSequences = slots };
    }

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        VisionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var images = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        var form = new AnswerRequest(WireJson.Write(RequestForm.Of(request, images)), [.. images.Keys], [], 0);
        var attempts = new Attempts(name, pinned, view, options.Value, clock) { Fingerprint = Fingerprint };
        while (true)
        {
            if (attempts.Moved && !pinned) attempts.Fingerprint = Fingerprint = StillServed();
            var route = new GrainRoute(Fingerprint, form.Images.FirstOrDefault(), attempts.Moves, name);
            var stream = new AnswerStream(
                grains.GetGrain<IAnswerGrain>(route.ToKey()), form with { Hops = attempts.Moves }, attempts.Avoided, view, clock,
                options.Value.LoadInterval, cancellationToken);
            await using (stream.ConfigureAwait(false))
            {
                attempts.Begin();
                while (true)
                {
                    var said = await stream.NextAsync().ConfigureAwait(false);
                    cancellationToken.ThrowIfCancellationRequested();
                    switch (said?.Kind)
                    {
                        case AnswerEventKind.Accepted:
                            attempts.Accepted(said.Worker!);
                            continue;
                        case AnswerEventKind.Prefilled:
                            yield return new PrefillCompleted(WireJson.Read<PrefillSummary>(said.Text!));
                            continue;
                        case AnswerEventKind.Text:
                            attempts.Started();
                            yield return new TextDelta(said.Text!);
                            continue;
                        case AnswerEventKind.Completed:
                            yield return new GenerationCompleted(WireJson.Read<GenerationResult>(said.Text!));
                            yield break;
                        case AnswerEventKind.Failed:
                            throw WireJson.Read<ErrorForm>(said.Text!).ToException();
                        case AnswerEventKind.ImagesMissing:
                            attempts.Lacks();
                            form = form with { Bytes = Bytes(form.Images, images, said.Text!.Split(' ')) };
                            break;
                        case AnswerEventKind.Declined:
                            await attempts.DeclinedAsync(said.Worker!, cancellationToken).ConfigureAwait(false);
                            break;
                        case AnswerEventKind.Full:
                            await attempts.FullAsync(said.Worker!, cancellationToken).ConfigureAwait(false);
                            break;
                        default:
                            await attempts.LostAsync(stream.Reason, cancellationToken).ConfigureAwait(false);
                            break;
                    }

                    break;
                }
            }

            // Another worker is asked without the bytes again.
            if (attempts.Moved) form = form with { Bytes = [] };
        }
    }

    // The last worker of a version may go between the choice and the request. One of another make would not understand what was prepared.
    private string StillServed()
    {
        var serving = view.Latest.Serving(name).Select(w => w.Model).ToList();
        if (serving.Exists(m => m.Fingerprint == Fingerprint)) return Fingerprint;
        return serving.Find(m => WireJson.Read<VisionModelInfo>(m.Info) is var other && other.Family == Model.Family
            && other.SupportsTools == Model.SupportsTools)?.Fingerprint ?? Fingerprint;
    }

    private static byte[]?[] Bytes(string[] hashes, Dictionary<string, ReadOnlyMemory<byte>> images, string[] missing) =>
        [.. hashes.Select(h => missing.Contains(h) ? images[h].ToArray() : null)];
}
