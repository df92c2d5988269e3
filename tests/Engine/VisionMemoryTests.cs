using System.Runtime.InteropServices;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Prompts;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>Images that find no room in memory together.</summary>
[Collection(TorchCollection.Name)]
public sealed class VisionMemoryTests
{
    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    [Fact]
    public void ABatchWithoutRoom_IsReadImageByImage_AndNotTriedAgain()
    {
        var options = new VisionModelOptions
        {
            ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = ModelPrecision.Float32, VisionBatch = 4,
            VisionCacheBytes = 0, PrefixCacheBytes = 0,
        };
        using var model = ModelLoader.LoadModel(options);
        var tower = new NarrowTower(model.Vision);
        using var executor = new ModelExecutor(Over(model, tower), options);
        Sequence[] sequences = [.. new[] { "p0.png", "p1.png", "p2.png" }.Select(name => new Sequence(
            executor.Prepare(Question(File.ReadAllBytes(Path.Combine(Fixture, "images", name))), default), default, default))];
        for (var i = 0; i < sequences.Length; i++) executor.Prefill(sequences[i], () => { }, sequences[(i + 1)..]);
        Assert.Equal("3 1 1 1", string.Join(' ', tower.Runs));
        Assert.All(sequences, s => Assert.NotEmpty(s.Logits));
        Assert.Equal(3, executor.Memory.VisionRuns);
        foreach (var s in sequences) s.Dispose();
    }

    [Fact]
    public void AnImageWithoutRoom_IsTheRequestsOwnFailure()
    {
        var options = new VisionModelOptions
            { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", VisionBatch = 4, VisionCacheBytes = 0, PrefixCacheBytes = 0 };
        using var model = ModelLoader.LoadModel(options);
        var tower = new NarrowTower(model.Vision) { Room = 0 };
        using var executor = new ModelExecutor(Over(model, tower), options);
        using var sequence = new Sequence(
            executor.Prepare(Question(File.ReadAllBytes(Path.Combine(Fixture, "images", "p0.png"))), default), default, default);
        var e = Assert.Throws<ExternalException>(() => executor.Prefill(sequence, () => { }, []));
        Assert.True(EngineOutOfMemoryException.Is(e));
        Assert.Equal(1, Assert.Single(tower.Runs));
    }

    private static VisionRequest Question(byte[] image) => new()
    {
        Turns = [new ChatTurn("user", [new ImagePart(image), new TextPart("What is this?")])],
        Generation = new GenerationSettings { MaxNewTokens = 4, IgnoreModelDefaults = true },
    };

    // The model with another tower; the first one goes on owning the weights.
    private static VisionLanguageModel Over(VisionLanguageModel model, IVisionTower tower) =>
        new(CheckpointWeights.Open(CheckpointFolder.Open(model.Info.Folder)))
        {
            Info = model.Info,
            Blueprint = model.Blueprint,
            Tokenizer = model.Tokenizer,
            ImageProcessor = model.ImageProcessor,
            PromptEncoder = model.PromptEncoder,
            Vision = tower,
            Decoder = model.Decoder,
            Generation = model.Generation,
            Priors = model.Priors,
        };

    private sealed class NarrowTower(IVisionTower inner) : IVisionTower
    {
        /// <summary>Images that find room together.</summary>
        public int Room { get; init; } = 1;

        public List<int> Runs { get; } = [];

        public VisionOutput Encode(ProcessedImage image, bool clsAttention, Action? atBorder = null) =>
            EncodeBatch([image], clsAttention, atBorder)[0];

        public IReadOnlyList<VisionOutput> EncodeBatch(IReadOnlyList<ProcessedImage> images, bool clsAttention, Action? atBorder = null)
        {
            Runs.Add(images.Count);
            return images.Count <= Room ? inner.EncodeBatch(images, clsAttention, atBorder)
                : throw new ExternalException("CUDA out of memory. Tried to allocate 2.00 GiB.");
        }
    }
}
