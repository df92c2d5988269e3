using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Tests.Conformance;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Decoder;

[Collection(TorchCollection.Name)]
public sealed class PromptForwardTests
{
    [Theory]
    [InlineData("llava-1.5-a", true)]
    [InlineData("llava-1.5-b", true)]
    [InlineData("llava-1.5-b", false)]
    public void IdentityPruner_ThroughGatherAndCompaction_IsBitEqualToNoPruning(string fixture, bool evict)
    {
        using var run = new Setup(fixture);
        var plain = run.Generate(new PrefillOptions());
        var pruner = new Scripted(AfterLayer(1), c => [.. Enumerable.Range(0, c.Layout.Count)]);
        var forced = run.Generate(new PrefillOptions { Pruner = pruner, Budgets = [run.Counts], EvictEarlyKv = evict, ForceGather = true });
        Assert.Equal(plain.Logits, forced.Logits);
        Assert.Equal(plain.Later, forced.Later);
    }

    [Theory]
    [InlineData("llava-1.5-a", 1)]
    [InlineData("llava-1.5-a", 4)]
    [InlineData("llava-1.5-b", 2)]
    public void RandomHalf_EqualsHidingTheDroppedKeysFromLayerKOn(string fixture, int afterLayer)
    {
        using var run = new Setup(fixture);
        var kept = Enumerable.Range(0, run.Counts[0]).Where(i => i * 7919 % 13 < 6).ToArray();
        var pruner = new Scripted(AfterLayer(afterLayer), _ => kept);
        var pruned = run.Generate(new PrefillOptions { Pruner = pruner, Budgets = [[kept.Length]], EvictEarlyKv = false });
        var hidden = run.MaskedLogits(afterLayer + 1, kept);
        Assert.All(pruned.Logits.Zip(hidden), p => Assert.Equal(p.Second, p.First, 1e-4));
    }

    [Theory]
    [InlineData("llava-1.5-a", false)]
    [InlineData("llava-1.5-b", true)]
    public void LastLayer_OfTheLastRowOnly_GivesWhatAllRowsGive(string fixture, bool prune)
    {
        using var run = new Setup(fixture);
        var options = prune
            ? new PrefillOptions { Pruner = new Scripted(AfterLayer(1), c => [.. Enumerable.Range(0, c.Budget)]), Budgets = [[9]] }
            : new PrefillOptions();
        var one = run.Generate(options);
        var trace = new ForwardTrace { RecordLastHidden = true };
        var all = run.Generate(options with { Trace = trace });
        var (last, rows) = Assert.Single(trace.Hidden);
        Assert.Equal(run.Config.Layers, last);
        Assert.Equal(one.Lengths[^1], rows.Length / run.Config.HiddenSize);
        Assert.Equal(all.Lengths, one.Lengths);
        Assert.All(one.Logits.Zip(all.Logits), p => Assert.Equal(p.Second, p.First, 1e-4));
        Assert.All(one.Later.Zip(all.Later), p => Assert.Equal(p.Second, p.First, 1e-4)); // the other rows' keys and values are there
    }

    [Fact]
    public void SeveralStages_AndPointsBeforeTheDecoder_KeepWhatWasChosen()
    {
        using var run = new Setup("llava-1.5-a");
        var pruner = new Scripted(
            [PruningPoint.VisionOutput, PruningPoint.AfterLayer(0), PruningPoint.AfterLayer(3)], c => [.. Enumerable.Range(0, c.Budget)]);
        var result = run.Generate(new PrefillOptions { Pruner = pruner, Budgets = [[30], [20], [7]] });
        Assert.Equal(run.Prompt.Length - 36 + 7, result.Lengths[0]);
        Assert.All(result.Lengths, n => Assert.Equal(result.Lengths[0], n));
        Assert.Equal(Enumerable.Range(0, 7), result.Kept);
        Assert.Equal([null, 30, 20], pruner.Seen);
    }

    [Fact]
    public void MergeWeights_FoldDroppedTokens()
    {
        using var run = new Setup("llava-1.5-a");
        // Everything is folded into the first token with weights that pick the first token again: the same as plain keeping.
        var keep = new Scripted(AfterLayer(1), c => [.. Enumerable.Range(0, c.Budget)]);
        var merge = new Scripted(
            AfterLayer(1), c => [.. Enumerable.Range(0, c.Budget)]) { Merges =
            [new MergeWeight(0, 0, 0.25f), new MergeWeight(0, 0, 0.75f)] };
        var other = new Scripted(
            AfterLayer(1), c => [.. Enumerable.Range(0, c.Budget)]) { Merges =
            [new MergeWeight(0, 0, 0.5f), new MergeWeight(0, 20, 0.5f)] };
        var options = new PrefillOptions { Budgets = [[10]] };
        var plain = run.Generate(options with { Pruner = keep }).Logits;
        Assert.All(plain.Zip(run.Generate(options with { Pruner = merge }).Logits), p => Assert.Equal(p.First, p.Second, 1e-4));
        Assert.NotEqual(plain, run.Generate(options with { Pruner = other }).Logits);
    }

    [Fact]
    public void Signals_HaveTheShapesThatWereAskedFor()
    {
        using var run = new Setup("llava-1.5-b");
        var shapes = new List<string>();
        var pruner = new Scripted(AfterLayer(1), c =>
        {
            foreach (var t in new[] { c.HiddenStates, c.Keys, c.FinalNormed, c.TextHiddenStates, c.TextKeys, c.TextFinalNormed })
                shapes.Add(string.Join("x", t!.shape));
            Assert.Equal(64, c.Attention!.Length);
            Assert.Equal(64, c.VisionClsAttention!.Length);
            return [0];
        })
        { Signals = (PruningSignals)63 };
        run.Generate(new PrefillOptions { Pruner = pruner, Budgets = [[1]] });
        var text = run.Prompt.Length - run.Prompt.VisualPositions[0][0] - 64;
        Assert.Equal(["64x64", "64x64", "64x64", $"{text}x64", $"{text}x64", $"{text}x64"], shapes);
    }

    [Fact]
    public void Cancellation_IsSeenBetweenLayers()
    {
        using var run = new Setup("llava-1.5-a");
        using var cancel = new CancellationTokenSource();
        var pruner = new Scripted(AfterLayer(0), c => { cancel.Cancel(); return [.. Enumerable.Range(0, c.Budget)]; });
        Assert.Throws<OperationCanceledException>(
            () => run.Generate(new PrefillOptions { Pruner = pruner, Budgets = [[5]] }, cancel.Token));
    }

    private static PruningPoint[] AfterLayer(int layer) => [PruningPoint.AfterLayer(layer)];

    private sealed class Scripted(PruningPoint[] points, Func<PruningContext, int[]> choose) : IVisualTokenPruner
    {
        public string Name => "scripted";

        public PruningSignals Signals { get; init; } = PruningSignals.HiddenStates;

        public IReadOnlyList<MergeWeight>? Merges { get; init; }

        public List<int?> Seen { get; } = [];

        public IReadOnlyList<PruningStage> Schedule => [.. points.Select(p => new PruningStage(p, TokenBudget.OfTokens(1), Signals))];

        public TokenReduction Reduce(PruningContext context)
        {
            Seen.Add(context.Remaining?.Length);
            return new TokenReduction { Kept = choose(context), MergeWeights = Merges };
        }
    }

    private sealed class Setup : IDisposable
    {
        private readonly IDisposable _inference = inference_mode();
        private readonly DisposeScope _scope = NewDisposeScope();
        private readonly ModelCaseRunner _runner;
        private readonly List<VisionOutput> _vision;

        public Setup(string fixture)
        {
            var folder = Path.Combine(FixtureFolders.Copies!, fixture);
            _runner = ModelFixture.Runner(folder);
            Prompt = _runner.Model.Encode(ModelCase.Read(folder).First(c => c.Name == "one-image").Turns, null, default);
            _vision = [.. Prompt.Images.Cast<ProcessedImage>().Select(i => _runner.Model.Vision.Encode(i, true))];
        }

        public EncodedPrompt Prompt { get; }

        public DecoderConfig Config => _runner.Model.Decoder.Config;

        public int[] Counts => [.. Prompt.Layouts.Select(l => l.Count)];

        public (float[] Logits, float[] Later, int[] Lengths, int[] Kept) Generate(
            PrefillOptions options, CancellationToken cancellationToken = default)
        {
            using var output = PromptForward.Run(_runner.Model.Decoder, Prompt, _vision, options, cancellationToken);
            float[] first = [.. output.Logits];
            int[] lengths = [.. output.Cache.Lengths];
            for (var i = 0; i < 4; i++) _runner.Model.Decoder.Step(output.Cache, 5 + i, Prompt.NextPosition + i, output.Logits);
            return (first, output.Logits, lengths, output.Images.Count > 0 ? output.Images[0].Kept : []);
        }

        /// <summary>Nothing is dropped; from layer K on the dropped tokens' keys are hidden by an explicit mask.</summary>
        public float[] MaskedLogits(int k, int[] kept)
        {
            var decoder = _runner.Model.Decoder;
            var trace = new ForwardTrace { RecordHidden = true };
            using (PromptForward.Run(decoder, Prompt, _vision, new PrefillOptions { Trace = trace }, default)) { }
            var x = tensor(trace.Hidden[0]).reshape(1, Prompt.Length, -1);
            var (cos, sin) = decoder.RotaryTable(Prompt.PositionIds);
            var causal = Attention.CausalMask(Prompt.Length, CPU);
            var dropped = Enumerable.Range(0, Counts[0]).Except(kept).Select(i => (long)Prompt.Layouts[0].Positions[i]).ToArray();
            var masked = causal.clone().index_fill_(1, tensor(dropped), float.NegativeInfinity);
            // A dropped token's own row would be all -inf; it is never read again, but must not be NaN.
            masked.diagonal().zero_();
            for (var i = 0; i < decoder.Config.Layers; i++)
            {
                var mask = i < k ? causal : masked;
                x = DecoderLayer.Forward(
                    x, decoder.Weights.Layers[i], decoder.Config, cos, sin, (q, key, v) => Attention.Explicit(q, key, v, mask));
            }

            return [.. decoder.Head(decoder.FinalNorm(x.narrow(1, Prompt.Length - 1, 1))).reshape(-1).data<float>()];
        }

        public void Dispose()
        {
            _scope.Dispose();
            _inference.Dispose();
        }
    }
}
