using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Pruning.Baselines;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>What the selection runner of the conformance dump does not reach: graphs where everything is kept, resized
/// priors and the rival pruners.</summary>
[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class GoldenSelectionTests(SelectionFixture golden) : IClassFixture<SelectionFixture>
{
    private const int Layer = 2;

    [Fact]
    public void Graph_agrees_even_where_everything_is_kept()
    {
        foreach (var c in golden.Cases("d2pruner"))
        {
            var layout = SelectionFixture.Layout(c);
            if (c.GetProperty("n").GetInt32() < layout.Count) continue;
            using var hidden = golden.Tensor($"{SelectionFixture.Set(c)}.hidden");
            var graph = SimilarityGraph.Build(hidden, layout, null, c.GetProperty("alpha").GetDouble(), c.GetProperty("theta").GetDouble());
            CheckGraph(c, graph.Adjacency.Edges, graph.Min, graph.Max);
        }
    }

    [Fact]
    public void Prior_is_resized_like_the_golden_one()
    {
        foreach (var c in golden.Cases("d2pruner").DistinctBy(SelectionFixture.Set))
        {
            var expected = golden.Values($"{SelectionFixture.Set(c)}.prior_resized");
            var actual = golden.Prior(c, Layer).ForLayout(Layer, SelectionFixture.Layout(c))!;
            Assert.Equal(expected.Length, actual.Length);
            for (var i = 0; i < actual.Length; i++)
                Assert.True(MathF.Abs(actual[i] - expected[i]) <= 1e-5f * MathF.Abs(expected[i]),
                    $"{Label(c)} at {i}: {actual[i]}, expected {expected[i]}");
        }
    }

    [Fact]
    public void FastV_selects_the_golden_tokens() => Baseline("fastv", s => new FastVTokenPruner(s));

    [Fact]
    public void DivPrune_selects_the_golden_tokens() => Baseline("divprune", s => new DivPruneTokenPruner(s));

    [Fact]
    public void Dart_selects_the_golden_tokens() => Baseline("dart-equal-n", s => new DartTokenPruner(s));

    private void Baseline(string method, Func<PruningSettings, IVisualTokenPruner> create)
    {
        var ran = 0;
        foreach (var c in golden.Cases(method))
        {
            using var scope = torch.NewDisposeScope();
            var set = SelectionFixture.Set(c);
            var dart = method == "dart-equal-n";
            var image = Run(create(new PruningSettings { LayersBeforePruning = Layer }), SelectionFixture.Layout(c),
                c.GetProperty("n").GetInt32(), candidates => new PruningContext
            {
                Layout = candidates.Layout,
                Budget = candidates.Budget,
                Attention = golden.Values($"{set}.attention"),
                HiddenStates = golden.Tensor($"{set}.hidden"),
                // The norms are all that is stored: keys of one number have that L1 norm.
                Keys = dart ? golden.Tensor($"{set}.key_l1").unsqueeze(1) : null,
                TextKeys = dart ? golden.Tensor($"{set}.text_key_l1").unsqueeze(1) : null,
                FinalNormed = dart ? golden.Tensor($"{set}.normed") : null,
                TextFinalNormed = dart ? golden.Tensor($"{set}.text_normed") : null,
            });
            Assert.True(SelectionFixture.Ints(c.GetProperty("kept")).SequenceEqual(image.Kept), $"kept differs: {Label(c)}");
            ran++;
        }
        Assert.NotEqual(0, ran);
    }

    private static ImageReduction Run(
        IVisualTokenPruner pruner, VisualTokenLayout layout, int n, Func<ImageCandidates, PruningContext> context)
    {
        var step = PromptReduction.Run(pruner, 0, PromptReductionState.Start(layout.Count + 1, [layout]), context, [n]);
        Assert.Equal(Math.Min(n, layout.Count) + 1, step.Rows.Length);
        return Assert.Single(step.Images);
    }

    private static void CheckGraph(JsonElement c, long edges, double min, double max)
    {
        var expected = c.GetProperty("edges").GetInt64();
        Assert.True(Math.Abs(edges - expected) <= Math.Max(2, 2e-5 * expected), $"{edges} edges, expected {expected}: {Label(c)}");
        Assert.Equal(c.GetProperty("s_min").GetDouble(), min, 1e-5);
        Assert.Equal(c.GetProperty("s_max").GetDouble(), max, 1e-5);
    }

    private static string Label(JsonElement c) =>
        string.Join(", ", c.EnumerateObject().Where(p => p.Name is not ("kept" or "components")).Select(p => $"{p.Name}={p.Value}"));
}
