using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>A runner that answers with its own words: one delta per token, waiting where a test says so.</summary>
internal sealed class ScriptedRunner : IRequestRunner
{
    public const string Endless = "endless";

    public VisionModelInfo Model { get; } = new()
    {
        Id = "scripted", Family = "llava", Folder = "", ContextLength = 100, DecoderLayers = 6, Parameters = 1, DType = "float32", Device = "cpu",
    };

    public long WeightBytes => 42;

    public long VisionCacheBytes { get; set; }

    public long VisionRuns => 0;

    public int Trims { get; private set; }

    public long Trim()
    {
        Trims++;
        var freed = VisionCacheBytes;
        VisionCacheBytes = 0;
        return freed;
    }

    public int Tokens { get; init; } = 3;

    public TimeSpan TokenTime { get; init; }

    /// <summary>Called on the engine's thread before a request's first token.</summary>
    public Action<VisionRequest>? Started { get; init; }

    public List<string> Order { get; } = [];

    public bool Disposed { get; private set; }

    public void Validate(VisionRequest request)
    {
    }

    public void Run(VisionRequest request, TimeSpan queueTime, Action<GenerationEvent> emit, CancellationToken cancellationToken)
    {
        var text = request.Turns[0].Text;
        lock (Order) Order.Add(text);
        Started?.Invoke(request);
        if (text == "fail") throw new InvalidDataException("scripted failure");
        var prefill = new PrefillSummary { PromptTokens = 5, PromptTokensKept = 5, QueueTime = queueTime };
        emit(new PrefillCompleted(prefill));
        // A request that says so never ends by itself: only cancellation ends it.
        for (var i = 0; i < Tokens || text.StartsWith(Endless, StringComparison.Ordinal); i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (TokenTime > TimeSpan.Zero) cancellationToken.WaitHandle.WaitOne(TokenTime);
            emit(new TextDelta($"{text}{i} "));
        }

        emit(new GenerationCompleted(new GenerationResult { Text = text, TokenIds = [], FinishReason = GenerationFinishReason.Stop, Prefill = prefill }));
    }

    public void Dispose() => Disposed = true;

    public static VisionRequest Request(string text) => new() { Turns = [new ChatTurn("user", [new TextPart(text)])] };
}
