using System.Runtime.CompilerServices;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>An engine that answers with given pieces and remembers what it was asked.</summary>
internal sealed class ScriptedEngine : IVisionEngine, IDisposable
{
    private readonly List<VisionRequest> _requests = [];

    public VisionModelInfo Model { get; } = new()
    {
        Id = "scripted-7b", Family = "llava", Folder = "/secret/path", ContextLength = 4096, DecoderLayers = 32, Parameters = 1,
            DType = "float32", Device = "cpu",
    };

    public IReadOnlyList<string> Pieces { get; init; } = ["It is ", "a cat", "."];

    public GenerationFinishReason FinishReason { get; init; }

    public TimeSpan Delay { get; init; }

    /// <summary>Waited for before an answer's first piece: given the request's number, from 1.</summary>
    public Func<int, Task>? Answering { get; init; }

    /// <summary>What the report says of a request's images: given its number, from 1.</summary>
    public Func<int, (TimeSpan Preprocess, TimeSpan Vision)>? ImageTimes { get; init; }

    public bool Disposed { get; private set; }

    public bool SawCancellation { get; private set; }

    public IReadOnlyList<VisionRequest> Requests { get { lock (_requests) return [.. _requests]; } }

    public VisionRequest Last => Requests[^1];

    public EngineStatus GetStatus() => new(EngineState.Ready, 0, false, 0);

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        VisionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        int number;
        lock (_requests)
        {
            _requests.Add(request);
            number = _requests.Count;
        }

        var images = request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>()
            .Select((_, i) => Image(i, request.Pruning is not null)).ToArray();
        var (preprocess, vision) = ImageTimes?.Invoke(number) ?? default;
        var prefill = new PrefillSummary { PromptTokens = 600, PromptTokensKept = 40, Images = images, Pruning = request.Pruning,
            Prior = request.Pruning is null ? null : "uniform", KvBytes = 10, KvBytesUnpruned = 100, PreprocessTime = preprocess,
            VisionTime = vision };
        yield return new PrefillCompleted(prefill);
        if (Answering is not null) await Answering(number);
        foreach (var piece in Pieces)
        {
            try
            {
                await Task.Delay(Delay, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
            }
            catch (OperationCanceledException)
            {
                SawCancellation = true;
                throw;
            }

            yield return new TextDelta(piece);
        }

        yield return new GenerationCompleted(
            new GenerationResult { Text = string.Concat(Pieces), TokenIds = [.. Enumerable.Range(0, Pieces.Count)],
                FinishReason = FinishReason, Prefill = prefill });
    }

    public void Dispose() => Disposed = true;

    private static ImagePruning Image(int index, bool pruned)
    {
        // A 200x100 picture padded to a square: the model's unit square reaches 50 pixels above and below it.
        var layout = new VisualTokenLayout([new GridComponent("grid", 2, 2, [0, 1, 2, 3])]);
        return new ImagePruning
        {
            ImageIndex = index,
            VisualTokens = 4,
            Kept = pruned ? [1, 2] : [0, 1, 2, 3],
            Layout = layout,
            Map = new CoordinateMap(200, 100, CoordinateSpace.Unit, new PixelFrame(0, -50, 200, 200), [new PixelFrame(0, -50, 100, 100)]),
            Width = 200,
            Height = 100,
        };
    }
}
