using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>An engine whose answer is a function of images and question, so that a wrong or a mixed one is seen; it takes its time, and as
/// many at once as it is told.</summary>
internal sealed class EchoEngine : IVisionEngine
{
    public const int Pieces = 4;
    private readonly SemaphoreSlim _slots;
    private int _waiting;
    private int _running;
    private int _pulled;

    public EchoEngine(string version = "a", int maxSequences = 4, int queueCapacity = 64)
    {
        (MaxSequences, QueueCapacity, _slots) = (maxSequences, queueCapacity, new SemaphoreSlim(maxSequences));
        Model = new VisionModelInfo
        {
            Id = "echo", Family = "qwen2_5_vl", Folder = "/secret/path", ContextLength = 4096, DecoderLayers = 8, Parameters = 1,
            DType = "float32", Device = "cpu", SupportsTools = true,
            Fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(version))),
        };
        Version = version;
    }

    public string Version { get; }

    public int MaxSequences { get; }

    public int QueueCapacity { get; }

    /// <summary>Time before the first piece.</summary>
    public TimeSpan Prefill { get; init; }

    /// <summary>Time before each further one.</summary>
    public TimeSpan Step { get; init; }

    /// <summary>Pieces of filler behind the answer.</summary>
    public int Filler { get; init; }

    /// <summary>Fails every request.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Holds every request before its first piece, or (at 1) behind it, until it is released.</summary>
    public TaskCompletionSource? Hold { get; set; }

    public int HoldAt { get; set; }

    public VisionModelInfo Model { get; }

    public List<VisionRequest> Requests { get; } = [];

    public int Cancelled { get; private set; }

    /// <summary>Pieces that were asked for.</summary>
    public int Pulled => Volatile.Read(ref _pulled);

    public EngineStatus GetStatus() => new(EngineState.Ready, Volatile.Read(ref _waiting), _running > 0, 0, QueueCapacity: QueueCapacity)
    {
        RunningSequences = Volatile.Read(ref _running),
        MaxSequences = MaxSequences,
    };

    /// <summary>What an engine of a version answers.</summary>
    public static string Answer(string version, ReadOnlyMemory<byte> image, string question) =>
        $"{version}:{Convert.ToHexStringLower(SHA256.HashData([.. image.Span, .. Encoding.UTF8.GetBytes(question)]))}";

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        VisionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        lock (Requests) Requests.Add(request);
        if (Failure is not null) throw Failure;
        Interlocked.Increment(ref _waiting);
        try
        {
            await _slots.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        Interlocked.Increment(ref _running);
        try
        {
            var image = request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>().LastOrDefault()?.Bytes ?? default;
            var text = Answer(Version, image, request.Turns[^1].Text);
            var prefill = new PrefillSummary { PromptTokens = 10, PromptTokensKept = 10, Pruning = request.Pruning };
            await PauseAsync(Prefill, 0, cancellationToken);
            yield return new PrefillCompleted(prefill);
            var length = (text.Length + Pieces - 1) / Pieces;
            for (var i = 0; i < Pieces + Filler; i++)
            {
                if (i > 0) await PauseAsync(Step, i, cancellationToken);
                Interlocked.Increment(ref _pulled);
                yield return new TextDelta(i < Pieces ? text[(i * length)..Math.Min(text.Length, (i + 1) * length)] : " .");
            }

            yield return new GenerationCompleted(
                new GenerationResult { Text = text, TokenIds = [1, 2, 3, 4], FinishReason = default, Prefill = prefill });
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            _slots.Release();
        }
    }

    private async Task PauseAsync(TimeSpan time, int at, CancellationToken cancellationToken)
    {
        try
        {
            if (Hold is { } hold && HoldAt == at) await hold.Task.WaitAsync(cancellationToken);
            if (time > TimeSpan.Zero) await Task.Delay(time, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
        catch (OperationCanceledException)
        {
            Cancelled++;
            throw;
        }
    }
}
