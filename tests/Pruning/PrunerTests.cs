using D2Pruner.AI.Pruning;
using D2Pruner.AI.Pruning.Baselines;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

[Collection(TorchCollection.Name)]
public sealed class PrunerTests
{
    [Fact]
    public void D2Pruner_prunes_after_layer_K_minus_1()
    {
        var stage = Assert.Single(new D2TokenPruner(PruningSettings.FromPreset(PruningPreset.Localization)).Schedule);
        Assert.Equal(new PruningStage(
            PruningPoint.AfterLayer(4), TokenBudget.OfRatio(0.5), PruningSignals.LastRowAttention | PruningSignals.HiddenStates), stage);
    }

    [Theory]
    [InlineData("d2pruner")]
    [InlineData("fastv")]
    [InlineData("dart")]
    public void K_zero_needs_no_attention_row(string method) =>
        Assert.Contains("at least 1",
            Assert.Throws<ArgumentException>(
                () => PrunerRegistry.BuiltIn.Plan(new PruningSettings { Method = method, LayersBeforePruning = 0 }, 8)).Message);

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new D2TokenPruner(new PruningSettings { Alpha = 1.1 }));
        Assert.Throws<ArgumentException>(() => new D2TokenPruner(new PruningSettings { Theta = double.NaN }));
        Assert.Throws<ArgumentException>(() => new D2TokenPruner(new PruningSettings { PivotRatio = -0.1 }));
        Assert.Throws<ArgumentException>(() => new D2TokenPruner(new PruningSettings { Rule = (PivotRule)9 }));
    }

    [Fact]
    public void A_further_question_about_an_image_finds_its_graph()
    {
        var (layout, memo, pruner) = (Layouts.Grids((6, 6)), new PruningMemo(), new D2TokenPruner(new PruningSettings()));
        float[] attention = [.. Enumerable.Range(0, 36).Select(i => 1f / (i + 2))];
        using var features = torch.tensor([.. Enumerable.Range(0, 36 * 16).Select(i => MathF.Sin(i * i))], [36, 16]);
        // Every row twice: an edge each at least, which the first image has not.
        using var half = features.narrow(0, 0, 18);
        using var others = torch.cat([half, half], 0);
        TokenReduction Reduce(torch.Tensor hidden, PruningMemo? known) =>
            pruner.Reduce(new PruningContext { Layout = layout, Budget = 12, Attention = attention, HiddenStates = hidden, Memo = known });
        var fresh = Reduce(features, null);
        Assert.Equal(fresh.Kept, Reduce(features, memo).Kept);
        Assert.True(memo.Bytes > 0);
        // Were the graph built again, these would give another one.
        Assert.Equal(fresh.Statistics.Edges, Reduce(others, memo).Statistics.Edges);
        Assert.NotEqual(fresh.Statistics.Edges, Reduce(others, null).Statistics.Edges);
    }

    [Fact]
    public void A_memo_keeps_the_graphs_of_a_few_settings()
    {
        var (layout, memo) = (Layouts.Grids((6, 6)), new PruningMemo());
        float[] attention = [.. Enumerable.Range(0, 36).Select(i => 1f / (i + 2))];
        using var features = torch.tensor([.. Enumerable.Range(0, 36 * 16).Select(i => MathF.Sin(i * i))], [36, 16]);
        for (var i = 0; i < 300; i++)
        {
            new D2TokenPruner(new PruningSettings { Theta = i / 300.0 }).Reduce(
                new PruningContext { Layout = layout, Budget = 12, Attention = attention, HiddenStates = features, Memo = memo });
        }

        // A graph is 36 rows of one word.
        Assert.InRange(memo.Bytes, 36 * 8, 4 * 36 * 8);
    }

    [Fact]
    public void A_memo_keeps_what_is_asked_for_again()
    {
        var (memo, made) = (new PruningMemo(), 0);
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("often", memo.GetOrAdd("often", () => { made++; return "often"; }, _ => 1));
            memo.GetOrAdd($"{i}", () => "once", _ => 1);
        }

        Assert.Equal(1, made);
    }

    /// <summary>Cosines may be those of final-normed states, as DART takes them; a memo tells the two graphs apart.</summary>
    [Theory]
    [InlineData("d2pruner")]
    [InlineData("d2pruner-ladder")]
    public void Features_may_be_taken_after_the_final_norm(string method)
    {
        using var scope = torch.NewDisposeScope();
        var (layout, memo) = (Layouts.Grids((6, 6)), new PruningMemo());
        var distinct = torch.eye(36);
        var twice = torch.cat([torch.eye(18), torch.eye(18)], 0); // every row has an equal one
        float[] attention = [.. Enumerable.Range(0, 36).Select(i => 1f / (i + 2))];
        IVisualTokenPruner Pruner(string features) => PrunerRegistry.BuiltIn.Plan(
            new PruningSettings { Method = method, Parameters = PrunerValues.Empty.With("features", features) }, 12).Pruner;
        bool HasEdges(string features, torch.Tensor? hidden, torch.Tensor? normed) => Pruner(features).Reduce(new PruningContext
        {
            Layout = layout, Budget = 12, Attention = attention, HiddenStates = hidden, FinalNormed = normed, Memo = memo,
        }).Statistics.Edges > 0;
        Assert.False(HasEdges("hidden", distinct, twice));
        Assert.True(HasEdges("normed", distinct, twice));
        Assert.Equal(PruningSignals.LastRowAttention | PruningSignals.HiddenStates, Pruner("hidden").Schedule[0].Signals);
        Assert.Equal(PruningSignals.LastRowAttention | PruningSignals.FinalNormedFeatures, Pruner("normed").Schedule[0].Signals);
        Assert.Contains("final-normed", Assert.Throws<ArgumentException>(() => HasEdges("normed", distinct, null)).Message);
    }

    [Fact]
    public void Missing_signals_are_named()
    {
        var layout = Layouts.Grids((2, 2));
        var pruner = new D2TokenPruner(new PruningSettings());
        Assert.Contains("attention row",
            Assert.Throws<ArgumentException>(() => pruner.Reduce(new PruningContext { Layout = layout, Budget = 1 })).Message);
        Assert.Contains("hidden states",
            Assert.Throws<ArgumentException>(
                () => pruner.Reduce(new PruningContext { Layout = layout, Budget = 1, Attention = new float[4] })).Message);
    }

    [Fact]
    public void Prior_changes_the_order()
    {
        using var hidden = torch.eye(4);
        int Best(float[]? prior) => Assert.Single(new D2TokenPruner(new PruningSettings()).Reduce(new PruningContext
        {
            Layout = Layouts.Grids((2, 2)),
            Budget = 1,
            Attention = [0.4f, 0.3f, 0.2f, 0.1f],
            Prior = prior,
            HiddenStates = hidden,
        }).Kept);
        Assert.Equal(0, Best(null));
        Assert.Equal(3, Best([0.4f, 0.3f, 0.2f, 0.01f]));
    }

    [Fact]
    public void Cancellation_is_seen()
    {
        using var hidden = torch.eye(4);
        Assert.Throws<OperationCanceledException>(() => new D2TokenPruner(new PruningSettings()).Reduce(new PruningContext
        {
            Layout = Layouts.Grids((2, 2)),
            Budget = 1,
            Attention = new float[4],
            HiddenStates = hidden,
            CancellationToken = new CancellationToken(true),
        }));
    }

    [Fact]
    public void Random_is_repeatable_and_hangs_on_the_seed()
    {
        var context = new PruningContext { Layout = Layouts.Grids((10, 10)), Budget = 30 };
        var settings = new PruningSettings { LayersBeforePruning = 0 };
        var kept = new RandomTokenPruner(settings with { Parameters = PrunerValues.Empty.With("seed", 1) }).Reduce(context).Kept;
        Assert.Equal(kept, new RandomTokenPruner(settings with { Parameters = PrunerValues.Empty.With("seed", 1) }).Reduce(context).Kept);
        Assert.NotEqual(kept, new RandomTokenPruner(settings with { Parameters = PrunerValues.Empty.With("seed", 2) })
            .Reduce(context).Kept);
        Assert.Equal(30, kept.Distinct().Count());
        Assert.Equal(PruningPoint.DecoderInput, new RandomTokenPruner(settings).Schedule[0].Point);
    }

    [Fact]
    public void DivPrune_never_takes_a_token_twice()
    {
        using var hidden = torch.ones([9, 4]);
        var kept = new DivPruneTokenPruner(new PruningSettings())
            .Reduce(new PruningContext { Layout = Layouts.Grids((3, 3)), Budget = 5, HiddenStates = hidden }).Kept;
        Assert.Equal(5, kept.Distinct().Count());
    }

    [Theory]
    [InlineData(2, 6)]
    [InlineData(4, 6)]
    [InlineData(7, 6)]
    [InlineData(7, 1)]
    public void Dart_keeps_exactly_n(int n, int textRows)
    {
        using var scope = torch.NewDisposeScope();
        var kept = new DartTokenPruner(new PruningSettings()).Reduce(new PruningContext
        {
            Layout = Layouts.Grids((3, 3)),
            Budget = n,
            Keys = Features.Clustered(9, 4, 1),
            FinalNormed = Features.Clustered(9, 4, 2),
            TextKeys = Features.Clustered(textRows, 4, 3),
            TextFinalNormed = Features.Clustered(textRows, 4, 4),
        }).Kept;
        Assert.Equal(n, kept.Distinct().Count());
    }
}
