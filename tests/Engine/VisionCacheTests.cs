using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>A second question about a picture skips the tower, and changes nothing.</summary>
[Collection(TorchCollection.Name)]
public sealed class VisionCacheTests
{
    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    private static byte[] Picture(string name) => File.ReadAllBytes(Path.Combine(Fixture, "images", name));

    private static string[] Names =>
        [.. Directory.GetFiles(Path.Combine(Fixture, "images"), "*.png").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    private static Task<VisionLanguageEngine> Load(long bytes) =>
        VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", VisionCacheBytes = bytes,
                PrefixCacheBytes = 0 });

    private static async Task<GenerationResult> Ask(
        VisionLanguageEngine engine, string question, PruningSettings? pruning, params byte[][] pictures)
    {
        GenerationResult? result = null;
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [.. pictures.Select(p => new ImagePart(p)), new TextPart(question)])],
            Generation = new GenerationSettings { MaxNewTokens = 4 },
            Pruning = pruning,
        };
        await foreach (var e in engine.GenerateAsync(request))
        {
            if (e is GenerationCompleted c) result = c.Result;
        }

        return result!;
    }

    [Fact]
    public async Task SecondQuestion_SkipsTheTower_AndAnswersTheSame()
    {
        await using var cached = await Load(64 << 20);
        await using var plain = await Load(0);
        var p = Picture(Names[0]);
        foreach (var (question, pruning) in new[] { ("What is this?", (PruningSettings?)null), ("Where is it?", new PruningSettings()),
            ("What is this?", null) })
        {
            var (a, b) = (await Ask(cached, question, pruning, p), await Ask(plain, question, pruning, p));
            Assert.Equal(b.TokenIds, a.TokenIds);
            Assert.Equal(b.Prefill.Images[0].Kept, a.Prefill.Images[0].Kept);
        }

        Assert.Equal((1, 3), (cached.GetStatus().VisionRuns, plain.GetStatus().VisionRuns));
        Assert.True(cached.GetStatus().VisionCacheBytes > 0);
        Assert.Equal(0, plain.GetStatus().VisionCacheBytes);
    }

    [Fact]
    public async Task OnePictureTwiceInARequest_IsEncodedOnce_OthersAreNotMixedUp()
    {
        await using var engine = await Load(64 << 20);
        var (p, q) = (Picture(Names[0]), TinyPicture());
        var twice = await Ask(engine, "?", null, p, p);
        Assert.Equal((1, 2), (engine.GetStatus().VisionRuns, twice.Prefill.Images.Count));
        await using var plain = await Load(0);
        Assert.Equal((await Ask(plain, "?", null, q, p)).TokenIds, (await Ask(engine, "?", null, q, p)).TokenIds);
        Assert.Equal(2, engine.GetStatus().VisionRuns);
    }

    [Fact]
    public async Task TheBound_Holds_OldestOutFirst()
    {
        await using var measuring = await Load(64 << 20);
        await Ask(measuring, "?", null, Picture(Names[0]));
        var one = measuring.GetStatus().VisionCacheBytes;
        await using var engine = await Load(one + one / 2);
        var (p, q) = (Picture(Names[0]), TinyPicture());
        await Ask(engine, "?", null, p);
        await Ask(engine, "?", null, q);
        Assert.Equal(one, engine.GetStatus().VisionCacheBytes);
        await Ask(engine, "?", null, q);
        Assert.Equal(2, engine.GetStatus().VisionRuns);
        await Ask(engine, "?", null, p);
        Assert.Equal(3, engine.GetStatus().VisionRuns);
    }

    [Fact]
    public async Task ThePixelLimit_HoldsForCachedPicturesToo()
    {
        await using var engine = await Load(64 << 20);
        await Ask(engine, "?", null, Picture(Names[0]));
        var request = new VisionRequest { Turns = [new ChatTurn("user", [new ImagePart(Picture(Names[0])), new TextPart("?")])],
            MaxImagePixels = 4 };
        await Assert.ThrowsAsync<Runtime.Imaging.ImageDecodeException>(
            async () => { await foreach (var _ in engine.GenerateAsync(request)) { } });
    }

    [Fact]
    public async Task WarmUp_RunsEveryPart()
    {
        await using var engine = await Load(0);
        await engine.WarmUpAsync();
        Assert.Equal(2, engine.GetStatus().VisionRuns);
    }

    private static byte[] TinyPicture() => D2Pruner.AI.Tests.Provider.TinyPng.Bytes;
}
