using System.Diagnostics;
using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Engine;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Engine;

/// <summary>The engine over a real (tiny, random) checkpoint.</summary>
[Collection(TorchCollection.Name)]
public sealed class LoadedEngineTests
{
    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    [Fact]
    public async Task FiftyRequests_LeaveNoTensorsAndNoMemoryBehind()
    {
        await using var engine = await Load();
        for (var i = 0; i < 5; i++) await Ask(engine, 4);
        var (tensors, bytes) = Measure();
        for (var i = 0; i < 50; i++) await Ask(engine, i % 8 + 1);
        var (tensorsAfter, bytesAfter) = Measure();
        Assert.Equal(tensors, tensorsAfter);
        Assert.InRange(bytesAfter - bytes, long.MinValue, 48L << 20);
    }

    [Fact]
    public async Task DecodedTokens_LeaveNoTensorsBehind()
    {
        await using var engine = await Load();
        var counts = new List<long>();
        await foreach (var e in engine.GenerateAsync(Request(40)))
        {
            if (e is TextDelta) counts.Add(torch.Tensor.TotalCount);
        }

        // The consumer looks while the engine is in the middle of a step: compare calm ends, not moments.
        await Ask(engine, 2);
        var few = torch.Tensor.TotalCount;
        await Ask(engine, 40);
        Assert.Equal(few, torch.Tensor.TotalCount);
    }

    [Fact]
    public async Task ThirtyTwoConcurrentRequests_CancelledAtRandomPoints_LeaveItWorking()
    {
        await using var engine = await Load();
        var expected = (await Ask(engine, 6)).Text;
        var random = new Random(3);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async _ =>
        {
            using var cancel = new CancellationTokenSource(random.Next(1, 400));
            try
            {
                await foreach (var e in engine.GenerateAsync(Request(6), cancel.Token)) GC.KeepAlive(e);
            }
            catch (OperationCanceledException)
            {
            }
        }));
        Assert.Equal(expected, (await Ask(engine, 6)).Text);
    }

    [Fact]
    public async Task BadPicture_FailsClearly_AndTheNextRequestWorks()
    {
        await using var engine = await Load();
        var bad = Request(2) with { Turns = [new ChatTurn("user", [new ImagePart(new byte[100]), new TextPart("?")])] };
        await Assert.ThrowsAsync<Runtime.Imaging.ImageDecodeException>(
            async () => { await foreach (var _ in engine.GenerateAsync(bad)) { } });
        Assert.Equal(2, (await Ask(engine, 2)).TokenIds.Count);
    }

    [Fact]
    public void AnIdWithoutAnEmbedding_IsRefused_BeforeItReachesTheDevice()
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(Fixture, "model"));
        var path = Path.Combine(model, "tokenizer.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json["model"]!["vocab"]!["ß"] = 600;
        File.WriteAllText(path, json.ToJsonString());
        using var executor = ModelExecutor.Load(
            new VisionModelOptions { ModelPath = model, Device = "cpu" }, null, NullLoggerFactory.Instance, default);
        VisionRequest Question(string text) => new() { Turns = [new ChatTurn("user", [new TextPart(text)])] };
        var e = Assert.Throws<PromptException>(() => executor.Prepare(Question("What is a Fuß?"), default));
        Assert.Contains("600", e.Message);
        Assert.Equal(VisionErrorKind.Unsupported, e.Kind);
        executor.Prepare(Question("What is a foot?"), default).Dispose();
    }

    [Theory]
    [InlineData(QueueFullMode.Wait)]
    [InlineData(QueueFullMode.Reject)]
    public async Task BadPicture_WaitsForNoPlace(QueueFullMode mode)
    {
        using var model = ModelExecutor.Load(Options(), null, NullLoggerFactory.Instance, default);
        using var gate = new ManualResetEventSlim();
        var executor = new ScriptedExecutor { CheckingImages = model.CheckImages, Started = _ => gate.Wait(TimeSpan.FromMinutes(1)) };
        var limits = new EngineLimits { QueueCapacity = 1, QueueFullMode = mode, QueueTimeout = TimeSpan.FromMinutes(10) };
        await using var engine = await VisionLanguageEngine.StartAsync(_ => executor, limits, null, default);
        var running = VisionLanguageEngineTests.All(engine, "running");
        await VisionLanguageEngineTests.WaitFor(() => engine.GetStatus() is { IsBusy: true, QueueLength: 0 });
        var waiting = VisionLanguageEngineTests.All(engine, "waiting");
        await VisionLanguageEngineTests.WaitFor(() => engine.GetStatus().QueueLength == 1);
        var bytes = new byte[50];
        new Random(1).NextBytes(bytes);
        var bad = new VisionRequest { Turns = [new ChatTurn("user", [new ImagePart(bytes), new TextPart("?")])] };
        await Assert.ThrowsAsync<Runtime.Imaging.ImageDecodeException>(() => Read(bad).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(1, engine.GetStatus().QueueLength);
        gate.Set();
        await Task.WhenAll(running, waiting);

        async Task Read(VisionRequest request)
        {
            await foreach (var e in engine.GenerateAsync(request)) GC.KeepAlive(e);
        }
    }

    [Fact]
    public async Task PromptBeyondTheContext_SaysBothNumbers()
    {
        await using var engine = await Load();
        var request = Request(2) with { Turns = [new ChatTurn("user", [new TextPart(new string('x', 2000))])] };
        var e = await Assert.ThrowsAsync<PromptException>(async () => { await foreach (var _ in engine.GenerateAsync(request)) { } });
        Assert.Contains("512", e.Message);
    }

    /// <summary>It threw, and with it every later turn of the conversation.</summary>
    [Fact]
    public async Task PlaceholderInText_IsText()
    {
        await using var engine = await Load();
        var request = Request(2) with { Turns = [
            .. Request(2).Turns, new ChatTurn("assistant", [new TextPart("An <image>.")]),
            new ChatTurn("user", [new TextPart("what is <image> here?")])] };
        var images = 0;
        await foreach (var e in engine.GenerateAsync(request)) if (e is PrefillCompleted p) images = p.Prefill.Images.Count;
        Assert.Equal(1, images);
    }

    [Fact]
    public async Task Pruning_IsReported_AndShrinksTheCache()
    {
        await using var engine = await Load();
        var result = await Ask(engine, 2);
        Assert.Equal(36, result.Prefill.VisualTokens);
        Assert.Equal(12, result.Prefill.VisualTokensKept);
        Assert.True(result.Prefill.KvBytes < result.Prefill.KvBytesUnpruned);
        Assert.Equal("uniform", result.Prefill.Prior);
    }

    [Theory]
    [InlineData(ModelQuantization.None, "--layers 2; or set")]
    [InlineData(ModelQuantization.Int8, "--layers 2 --quantization Int8; or set")]
    public async Task MissingPrior_IsToldWithTheCommandForThisPrecision(ModelQuantization quantization, string expected)
    {
        var log = new Provider.CollectingLogger();
        var options = Options();
        options.Quantization = quantization;
        await using (var engine = await VisionLanguageEngine.LoadAsync(options, null, log))
            await Ask(engine, 1, new PruningSettings { LayersBeforePruning = 2 });
        Assert.Contains(expected, Assert.Single(log.Lines, l => l.Contains("No prior for K", StringComparison.Ordinal)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(-1)]
    [InlineData(0)]
    public async Task ImpossibleLayer_IsRefusedBeforeQueueing(int layer)
    {
        await using var engine = await Load();
        Assert.ThrowsAny<ArgumentException>(
            () => engine.GenerateAsync(
                Request(2) with { Pruning = new PruningSettings { LayersBeforePruning = layer, LayersAreExplicit = true } }));
    }

    [Fact]
    public async Task PresetLayerBeyondTheModel_IsCapped()
    {
        await using var engine = await Load();
        var result = await Ask(engine, 1, new PruningSettings { LayersBeforePruning = 40 });
        Assert.Equal(5, result.Prefill.Pruning!.LayersBeforePruning);
    }

    [Fact]
    public async Task BFloat16_StaysCloseToFloat32()
    {
        foreach (var pruning in new PruningSettings?[] { null, new PruningSettings() })
        {
            await using var fp32 = await Load();
            await using var bf16 = await Load(ModelPrecision.BFloat16);
            var (a, b) = (await Ask(fp32, 1, pruning), await Ask(bf16, 1, pruning));
            Assert.Equal(a.Prefill.VisualTokensKept, b.Prefill.VisualTokensKept);
        }

        // Logits reach about 20; bf16 has 8 bits of mantissa over 6 layers: 0.5 absolute, 0.1 in the mean.
        var folder = Fixture;
        var c = ModelCase.Read(folder).First(x => x.Name == "one-image") with { Prunings = [] };
        using var runner = new ModelCaseRunner(folder, ModelPrecision.BFloat16);
        var actual = (float[])runner.Compute(c).Tensors["logits"].Data;
        var expected = (float[])Conformance.ModelConformanceTests.Expected(folder, "one-image")["logits"].Data;
        var differences = expected.Zip(actual, (x, y) => Math.Abs(x - y)).ToArray();
        Assert.InRange(differences.Max(), 0, 0.5f);
        Assert.InRange(differences.Average(), 0, 0.1f);
    }

    [Fact]
    public async Task Load_ReportsProgress_AndCanBeCancelled()
    {
        var reports = new List<ModelLoadProgress>();
        await using (await VisionLanguageEngine.LoadAsync(Options(), new Immediate(reports.Add))) { }
        Assert.Equal(1, reports[^1].Fraction);
        Assert.True(reports.Count > 20);
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => VisionLanguageEngine.LoadAsync(
                Options(), new Immediate(p => { if (p.BytesLoaded > 0) cancel.Cancel(); }), null, cancel.Token));
    }

    private static VisionModelOptions Options(ModelPrecision precision = ModelPrecision.Float32) =>
        new() { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", Precision = precision };

    private static Task<VisionLanguageEngine> Load(ModelPrecision precision = ModelPrecision.Float32) =>
        VisionLanguageEngine.LoadAsync(Options(precision));

    private static VisionRequest Request(int tokens, PruningSettings? pruning = null) => new()
    {
        Turns = [new ChatTurn("user",
            [new ImagePart(File.ReadAllBytes(Path.Combine(Fixture, "images", "p0.png"))), new TextPart("What is this?")])],
        Generation = new GenerationSettings { MaxNewTokens = tokens },
        Pruning = pruning,
    };

    private static Task<GenerationResult> Ask(IVisionEngine engine, int tokens) => Ask(engine, tokens, new PruningSettings());

    private static async Task<GenerationResult> Ask(IVisionEngine engine, int tokens, PruningSettings? pruning)
    {
        GenerationResult? result = null;
        await foreach (var e in engine.GenerateAsync(Request(tokens, pruning)))
        {
            if (e is GenerationCompleted c) result = c.Result;
        }

        return result!;
    }

    private static (long Tensors, long Bytes) Measure()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return (torch.Tensor.TotalCount, Process.GetCurrentProcess().WorkingSet64);
    }

    private sealed class Immediate(Action<ModelLoadProgress> report) : IProgress<ModelLoadProgress>
    {
        public void Report(ModelLoadProgress value) => report(value);
    }
}
