using System.Runtime.CompilerServices;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>Answers at once, and remembers which images it was asked about: what the way to a worker costs, and whom it leads to.</summary>
internal sealed class InstantEngine : IVisionEngine
{
    private readonly HashSet<string> _images = [];

    public VisionModelInfo Model { get; } = new()
    {
        Id = "instant", Family = "llava", Folder = "", ContextLength = 4096, DecoderLayers = 32, Parameters = 1, DType = "float32",
        Device = "cpu",
    };

    /// <summary>Questions about an image that had been here before.</summary>
    public int Hits { get; private set; }

    public EngineStatus GetStatus() => new(EngineState.Ready, 0, false, 0, QueueCapacity: 64) { MaxSequences = 16 };

    public async IAsyncEnumerable<GenerationEvent> GenerateAsync(
        VisionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        foreach (var image in request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>())
        {
            var hash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(image.Bytes.Span));
            lock (_images) if (!_images.Add(hash)) Hits++;
        }

        var prefill = new PrefillSummary { PromptTokens = 1, PromptTokensKept = 1 };
        yield return new PrefillCompleted(prefill);
        yield return new TextDelta("red");
        yield return new GenerationCompleted(
            new GenerationResult { Text = "red", TokenIds = [1], FinishReason = GenerationFinishReason.Stop, Prefill = prefill });
    }
}
