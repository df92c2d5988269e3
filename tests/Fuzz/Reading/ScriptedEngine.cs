using System.Runtime.CompilerServices;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Fuzz.Reading;

/// <summary>An engine that says what it is told: what the client does before and after it is under test.</summary>
internal sealed class ScriptedEngine(bool tools) : IVisionEngine
{
    public string Answer { get; set; } = "Yes.";

    public int PieceLength { get; set; } = 5;

    public VisionModelInfo Model { get; } = new()
    {
        Id = "scripted", Family = tools ? "qwen2_5_vl"
            : "llava", Folder = "folder", ContextLength = 4096, DecoderLayers = 32, Parameters = 1, DType = "float32", Device = "cpu",
            SupportsTools = tools,
    };

    public EngineStatus GetStatus() => new(EngineState.Ready, 0, false, 0);

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        VisionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        var prefill = new PrefillSummary { PromptTokens = 10, PromptTokensKept = 10, Pruning = request.Pruning };
        yield return new PrefillCompleted(prefill);
        for (var i = 0; i < Answer.Length; i += PieceLength)
            yield return new TextDelta(Answer.Substring(i, Math.Min(PieceLength, Answer.Length - i)));
        yield return new GenerationCompleted(
            new GenerationResult { Text = Answer, TokenIds = [1], FinishReason = GenerationFinishReason.Stop, Prefill = prefill });
    }
}
