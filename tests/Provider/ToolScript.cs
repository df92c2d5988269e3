using System.Runtime.CompilerServices;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Tests.Provider;

/// <summary>An engine that gives one prepared answer per request, in pieces of a given length, and remembers what it was asked.</summary>
internal sealed class ToolScript(bool supportsTools, params string[] answers) : IVisionEngine
{
    public List<VisionRequest> Requests { get; } = [];

    public int PieceLength { get; init; } = 3;

    public GenerationFinishReason FinishReason { get; init; }

    public VisionModelInfo Model { get; } = new()
    {
        Id = "script", Family = supportsTools ? "qwen2_5_vl"
            : "llava", Folder = "folder", ContextLength = 4096, DecoderLayers = 4, Parameters = 1, DType = "float32", Device = "cpu",
        SupportsTools = supportsTools,
    };

    public EngineStatus GetStatus() => new(EngineState.Ready, 0, false, 0);

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        VisionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        var text = answers[Math.Min(Requests.Count, answers.Length - 1)];
        Requests.Add(request);
        var prefill = new PrefillSummary { PromptTokens = 10, PromptTokensKept = 10 };
        yield return new PrefillCompleted(prefill);
        for (var i = 0; i < text.Length; i += PieceLength)
            yield return new TextDelta(text.Substring(i, Math.Min(PieceLength, text.Length - i)));
        yield return new GenerationCompleted(
            new GenerationResult { Text = text, TokenIds = [1, 2], FinishReason = FinishReason, Prefill = prefill });
    }
}
