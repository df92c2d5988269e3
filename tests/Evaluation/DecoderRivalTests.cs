using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>What rivals drop in the decoder in an evaluation is what the functions that pass the official code's cases drop of the same
/// queries, keys and states.</summary>
[Collection(TorchCollection.Name)]
public sealed class DecoderRivalTests
{
    private const string Tiny = "llava-1.5-a"; // 36 patches, 6 layers, 4 heads

    [Fact]
    public void The_layers_rows_are_the_models()
    {
        using var q = new TinyQuestion(Tiny);
        var seen = new Dictionary<int, double[]>();
        q.Forward.Watch(new Watcher([0, 2, 5], view =>
        {
            using var row = view.Attention((int)view.Hidden.shape[0] - 1, 1);
            seen[view.Layer] = [.. row.mean([0]).squeeze(0).data<float>().Skip(view.Start).Take(view.Count).Select(v => (double)v)];
        }));
        Assert.Equal([0, 2, 5], seen.Keys);
        foreach (var (layer, row) in seen)
        {
            var expected = q.Forward.AttentionRow(layer + 1, 0);
            for (var i = 0; i < row.Length; i++) Assert.Equal(expected[i], row[i], 5);
        }
    }

    [Fact]
    public void Stages_that_keep_everything_are_unpruned()
    {
        using var q = new TinyQuestion(Tiny);
        var answer = q.Forward.Answer(new Watcher([1, 3], _ => { }), TinyQuestion.MostTokens);
        Assert.Equal(q.Unpruned.TokenIds, answer.TokenIds);
        Assert.Equal(Enumerable.Range(0, 36), answer.Images[0].Kept);
    }

    /// <summary>One stage with ids kept is the way that served methods go.</summary>
    [Fact]
    public void One_stage_is_what_served_methods_do()
    {
        using var q = new TinyQuestion(Tiny);
        var settings = MethodSettings.Of(new Condition("fastv", 2, 12)) with { EvictEarlyKv = false };
        var served = q.Forward.Answer(
            MethodSettings.Create(settings, new() { Id = "", Task = "", Prompt = "" }, q.Prompt, 6), [[12]], null, false,
            TinyQuestion.MostTokens);
        var rival = new Watcher([1], _ => { }) { Kept = served.Images[0].Kept };
        var answer = q.Forward.Answer(rival, TinyQuestion.MostTokens);
        Assert.Equal(served.TokenIds, answer.TokenIds);
        Assert.Equal(served.VisualTokens, answer.VisualTokens);
        Assert.Equal(served.CacheTokens, answer.CacheTokens);
        Assert.Equal(served.Images[0].Kept, answer.Images[0].Kept);
    }

    /// <summary>The layer behind which a rival drops first is computed once for all of them, and gives what it gives one that comes to it
    /// from an earlier stage.</summary>
    [Fact]
    public void The_first_stages_layer_is_shared()
    {
        using var q = new TinyQuestion(Tiny);
        var seen = new List<(torch.Tensor Queries, torch.Tensor Keys, float[] Values)>();
        Watch(0, 2);
        Watch(2);
        Watch(2, 4);
        Assert.Equal(3, seen.Count);
        Assert.NotSame(seen[0].Queries, seen[1].Queries);
        Assert.Equal(seen[0].Values, seen[1].Values);
        Assert.Same(seen[1].Queries, seen[2].Queries);
        Assert.Same(seen[1].Keys, seen[2].Keys);
        Assert.Equal(seen[1].Values, seen[2].Values);

        void Watch(params int[] layers) => q.Forward.Watch(new Watcher(layers, view =>
        {
            if (view.Layer != 2) return;
            float[] values = [.. Matrices.Of(view.Hidden).Values, .. Matrices.PerHead(view.Queries).SelectMany(m => m.Values),
                .. Matrices.PerHead(view.Keys).SelectMany(m => m.Values)];
            seen.Add((view.Queries, view.Keys, values));
        }));
    }

    [Fact]
    public void FitPrune_deletes_what_the_published_function_deletes()
    {
        using var q = new TinyQuestion(Tiny);
        int[] table = [3, 0, 5, 2, 4, 0];
        var rival = new Checked(new FitPruneRival(table), (view, outcome) =>
        {
            var deleted = FitPrune.Delete(
                Matrices.PerHead(view.Queries), Matrices.PerHead(view.Keys), view.Start, view.Count, table[view.Layer]);
            Assert.Equal(Enumerable.Range(0, view.Count).Except(deleted), outcome.Kept);
        });
        var answer = q.Forward.Answer(rival, TinyQuestion.MostTokens);
        Assert.Equal(4, rival.Stages);
        Assert.Equal([36, 33, 33, 28, 26, 22], answer.VisualTokens);
        Assert.Equal(answer.VisualTokens.Sum() + 6L * (q.Prompt.Length - 36), answer.CacheTokens);
    }

    [Fact]
    public void FitPrune_fits_a_table_of_the_wanted_cost()
    {
        using var q = new TinyQuestion(Tiny);
        var table = FitPruneTable.Fit([q.Forward], 2, 12);
        Assert.Equal(6, table.Length);
        Assert.InRange(FitPruneTable.Cost(table, 36), 6, 2 * 36 + 4 * 12);
        Assert.Equal(table, FitPruneTable.Fit([q.Forward], 2, 12));
        // A larger n deletes no more.
        Assert.True(FitPruneTable.Cost(FitPruneTable.Fit([q.Forward], 2, 24), 36) >= FitPruneTable.Cost(table, 36));
        Assert.Equal(36 + 33 + 33 + 28 + 26 + 22, FitPruneTable.Cost([3, 0, 5, 2, 4, 0], 36));
    }

    [Fact]
    public void FitPrunes_fitting_step_is_the_published_one()
    {
        using var q = new TinyQuestion(Tiny);
        q.Forward.Watch(new Watcher([0, 3], view =>
        {
            var (self, cross) = FitPruneRival.Sums(view);
            Assert.Equal(FitPrune.Fit(Matrices.PerHead(view.Queries), Matrices.PerHead(view.Keys), view.Start, view.Count, 0.2),
                FitPrune.Fit(self, cross, view.Text, 0.2));
        }));
    }

    [Fact]
    public void SparseVlm_drops_and_merges_what_the_published_functions_do()
    {
        using var q = new TinyQuestion(Tiny);
        var condition = new Condition("sparsevlm", 2, 64);
        var rival = new Checked(RivalCatalog.Find("sparsevlm")!.Stages!(q.Model, condition), (view, outcome) =>
        {
            using var scope = torch.NewDisposeScope();
            var raters = SparseVlm.Raters(
                Matrices.Of(q.Vision.Features),
                Matrices.Of(view.Input.narrow(0, view.Start + 36, view.Input.shape[0] - view.Start - 36)));
            var scores = SparseVlm.Scores(TextRows(view), raters);
            var visual = Matrices.Of(view.Hidden.narrow(0, view.Start, view.Count));
            var expected = SparseVlm.Reduce(scores, visual, SparseVlm.Counts(64, false)[view.Stage]);
            Assert.Equal(expected.Kept, outcome.Kept);
            Assert.Equal(expected.Merged.Values, Matrices.Of(outcome.Merged!).Values);
            Assert.Equal(Enumerable.Range(0, (int)view.Hidden.shape[0]).Select(i => (long)i), view.Positions);
        });
        Assert.NotEmpty(q.Forward.Answer(rival, TinyQuestion.MostTokens).VisualTokens);
        Assert.Equal(3, rival.Stages);
    }

    [Fact]
    public void SparseVlmPlus_drops_what_the_published_function_does()
    {
        using var q = new TinyQuestion(Tiny);
        using var scope = torch.NewDisposeScope();
        const int heads = 16, width = 8, start = 5, count = 80, text = 12, length = start + count + text;
        using var generator = new torch.Generator(3, torch.CPU);
        torch.Tensor Random(params long[] shape) => torch.randn(shape, generator: generator);
        var config = q.Model.Decoder.Config with { Heads = heads, KvHeads = heads, HeadDim = width };
        using var decoder = new TextDecoder(config, q.Model.Decoder.Weights);
        var input = Random(length, 24);
        var view = new StageView
        {
            Decoder = decoder, Stage = 1, Layer = 2, Start = start, Count = count, Original = count,
            Positions = [.. Enumerable.Range(0, length).Select(i => (long)i)], Input = input, Hidden = input,
            Queries = Random(1, heads, length, width), Keys = Random(1, heads, length, width),
        };
        var raters = SparseVlm.Raters(Matrices.Of(input).Slice(start, count), Matrices.Of(input).Slice(start + count, text));
        var (scores, _) = SparseVlm.ScoresOfVersion2(TextRows(view), raters, [.. Enumerable.Range(start + count, text)],
            [.. Enumerable.Range(start, count)], width, config.RopeTheta);
        var outcome = RivalCatalog.Find("sparsevlm+")!.Stages!(q.Model, new Condition("sparsevlm+", 2, 64)).Reduce(view);
        Assert.Equal(SparseVlm.Select(scores, 34), outcome.Kept);
        Assert.Null(outcome.Merged);
    }

    [Theory]
    [InlineData(32, 2, 6, 15)]
    [InlineData(12, 0, 2, 5)]
    [InlineData(6, 0, 1, 2)]
    public void SparseVlms_layers_are_in_proportion(int layers, int a, int b, int c) =>
        Assert.Equal([a, b, c], SparseVlmRival.LayersOf(layers));

    [Fact]
    public void PyramidDrop_drops_what_the_published_function_does()
    {
        using var q = new TinyQuestion(Tiny);
        using var scope = torch.NewDisposeScope();
        var c = q.Model.Decoder.Config;
        var rival = new Checked(RivalCatalog.Find("pyramiddrop:official")!.Stages!(q.Model, new Condition("pyramiddrop:official", 2, 8)),
            (view, outcome) =>
            {
                var w = q.Model.Decoder.Weights.Layers[view.Layer + 1];
                var hidden = Matrices.Of(view.Hidden);
                var row = PyramidDrop.Attention(hidden, [.. w.InputNorm.data<float>()], Weight(w.Query), Weight(w.Key), c.Heads,
                    c.RmsNormEps, c.RopeTheta, hidden.Count - 1);
                var share = new[] { 32, 16, 8 }[view.Stage] / 36.0 + 1e-9;
                Assert.Equal(PyramidDrop.Select(row, view.Start, view.Count, 36, share), outcome.Kept);
            });
        var answer = q.Forward.Answer(rival, TinyQuestion.MostTokens);
        Assert.Equal([36, 32, 32, 16, 8, 8], answer.VisualTokens);
        Assert.Equal(3, rival.Stages);
    }

    [Fact]
    public void Dart_keeps_4_and_8_times_what_fits()
    {
        using var q = new TinyQuestion(Tiny);
        var dart = RivalCatalog.Find("dart:official")!.Stages!(q.Model, new Condition("dart:official", 2, 20));
        var rival = new Checked(dart, (view, outcome) =>
        {
            using var normed = q.Model.Decoder.FinalNorm(view.Hidden);
            Assert.Equal(1, view.Layer);
            var expected = Dart.Select(Matrices.Of(normed), Matrices.PerHead(view.Keys), q.Prompt.VisualPositions[0][0], 36, 2);
            Assert.Equal(expected.Kept, outcome.Kept);
        });
        Assert.Equal([36, 36, 20, 20, 20, 20], q.Forward.Answer(rival, TinyQuestion.MostTokens).VisualTokens);
    }

    private static RowMatrix Weight(Linear linear)
    {
        using var dense = linear.Dequantize(torch.ScalarType.Float32);
        return Matrices.Of(dense);
    }

    // Rows text by columns image of every head's causal softmax, one row after the other.
    private static RowMatrix[] TextRows(StageView view)
    {
        var (queries, keys) = (Matrices.PerHead(view.Queries), Matrices.PerHead(view.Keys));
        return [.. queries.Select((q, h) => new RowMatrix(
            [.. Enumerable.Range(view.Start + view.Count, view.Text).SelectMany(
                r => RivalMath.AttentionRow(q, keys[h], r).Skip(view.Start).Take(view.Count).Select(v => (float)v))],
            view.Text, view.Count))];
    }

    private sealed class Watcher(int[] layers, Action<StageView> see) : IDecoderRival
    {
        public int[]? Kept { get; init; }

        public IReadOnlyList<int> Layers => layers;

        public bool Renumbers => false;

        public StageOutcome Reduce(StageView view)
        {
            see(view);
            return new StageOutcome(Kept ?? [.. Enumerable.Range(0, view.Count)]);
        }
    }

    private sealed class Checked(IDecoderRival rival, Action<StageView, StageOutcome> check) : IDecoderRival
    {
        public int Stages { get; private set; }

        public IReadOnlyList<int> Layers => rival.Layers;

        public bool Renumbers => rival.Renumbers;

        public StageOutcome Reduce(StageView view)
        {
            Stages++;
            var outcome = rival.Reduce(view);
            check(view, outcome);
            return outcome;
        }
    }
}
