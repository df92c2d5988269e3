using D2Pruner.AI.Pruning;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Pruning.Experiments;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>The rivals as they are served, against their published functions; the candidates against plain definitions.</summary>
[Collection(TorchCollection.Name)]
public sealed class RivalTests
{
    private const int Side = 12;

    [Theory]
    [InlineData("fastervlm")]
    [InlineData("hired")]
    [InlineData("holov")]
    [InlineData("vispruner")]
    public void On_one_grid_a_served_rival_is_the_published_function(string method)
    {
        using var scope = torch.NewDisposeScope();
        var (attention, hidden) = (Scores(Side * Side, 1), Features.Clustered(Side * Side, 8, 2));
        foreach (var n in new[] { 16, 40, 72 })
        {
            var kept = Reduce(method,
                new PruningContext { Layout = Layouts.Grids((Side, Side)), Budget = n, VisionClsAttention = attention,
                    HiddenStates = hidden });
            var (cls, rows) = (new RowMatrix([0, .. attention], 1, attention.Length + 1),
                new RowMatrix(hidden.data<float>().ToArray(), Side * Side, 8));
            var doubles = Array.ConvertAll(attention, a => (double)a);
            int[] published = method switch
            {
                "fastervlm" => FasterVlm.Select(cls, n),
                "hired" => HiRed.Select(cls, n / (double)(Side * Side) + 1e-9),
                "holov" => [.. HoloV.Select(doubles, rows, n).Order()],
                _ => VisPruner.Select(doubles, rows, n, 0.5),
            };
            if (published.Length == n) Assert.Equal(published, kept);
            Assert.Equal(n, kept.Distinct().Count());
        }
    }

    [Theory]
    [InlineData("fastervlm")]
    [InlineData("hired")]
    [InlineData("holov")]
    [InlineData("vispruner")]
    public void On_base_and_mosaic_exactly_n_are_kept(string method)
    {
        using var scope = torch.NewDisposeScope();
        var layout = Layouts.Grids((4, 4), (6, 9));
        foreach (var n in new[] { 1, 2, 7, 30, 69 })
        {
            var context = new PruningContext { Layout = layout, Budget = n, VisionClsAttention = Scores(layout.Count, n),
                HiddenStates = Features.Clustered(layout.Count, 8, n) };
            Assert.Equal(n, Reduce(method, context).Distinct().Count());
        }
    }

    [Theory]
    [InlineData("fastervlm")]
    [InlineData("vispruner")]
    public void A_tower_without_CLS_is_told_of(string method) =>
        Assert.Contains("CLS", Assert.Throws<ArgumentException>(
            () => Reduce(method, new PruningContext { Layout = Layouts.Grids((2, 2)), Budget = 2 })).Message);

    [Fact]
    public void All_pivots_and_a_uniform_prior_are_FastVs_choice()
    {
        using var scope = torch.NewDisposeScope();
        var context = new PruningContext { Layout = Layouts.Grids((8, 8)), Budget = 20, Attention = Scores(64, 3),
            HiddenStates = Features.Clustered(64, 8, 3) };
        var settings = new PruningSettings { PivotRatio = 1 };
        var expected = new FastVTokenPruner(settings).Reduce(context).Kept;
        Assert.Equal(expected, new D2TokenPruner(settings).Reduce(context).Kept);
        Assert.Equal(expected, new D2LadderTokenPruner(settings).Reduce(context).Kept);
    }

    [Fact]
    public void PyramidDrop_has_three_stages_in_proportion_to_the_decoder()
    {
        var plan = PrunerRegistry.BuiltIn.Plan(new PruningSettings { Method = "pyramiddrop", Budget = TokenBudget.OfRatio(0.125) }, 12);
        Assert.Equal([PruningPoint.BeforeLayer(3), PruningPoint.BeforeLayer(6), PruningPoint.BeforeLayer(9)],
            plan.Pruner.Schedule.Select(s => s.Point));
        Assert.Equal([0.5, 0.25, 0.125], plan.Pruner.Schedule.Select(s => s.Budget.Ratio!.Value));
        Assert.Equal([PruningPoint.BeforeLayer(8), PruningPoint.BeforeLayer(16), PruningPoint.BeforeLayer(24)],
            PyramidDropTokenPruner.Description.Schedule.Select(s => s.Point));
    }

    /// <summary>Each choice of CDPruner adds the most to the determinant of the chosen kernel.</summary>
    [Fact]
    public void CDPruner_is_the_greedy_maximum_of_the_determinant()
    {
        var random = new Random(5);
        RowMatrix Rows(int count, int width) =>
            new([.. Enumerable.Range(0, count * width).Select(_ => random.NextSingle() - 0.5f)], count, width);
        var (features, images, text) = (Rows(30, 12), Rows(30, 6), Rows(2, 6));
        var relevance = CdPruner.Relevance([images], text)[0];
        Assert.InRange(relevance.Max(), 1, 1.0001);
        Assert.InRange(relevance.Min(), 1e-7, 1e-4);
        var chosen = new List<int>();
        for (var k = 0; k < 8; k++)
            chosen.Add(Enumerable.Range(0, 30).Except(chosen).MaxBy(i => Determinant([.. chosen, i], features, relevance)));
        Assert.Equal(chosen.Order(), CdPruner.Select(features, relevance, 8));
    }

    [Theory]
    [InlineData(0.0, 0.0)]
    [InlineData(0.2, 0.25)]
    public void MaxMin_takes_pivots_then_the_best_product(double pivotShare, double relevance)
    {
        using var scope = torch.NewDisposeScope();
        var (count, n) = (50, 12);
        var (attention, hidden) = (Scores(count, 6), Features.Clustered(count, 8, 6));
        var settings = new PruningSettings { Parameters = PrunerValues.Empty.With("pivot_share", pivotShare).With("relevance", relevance) };
        var kept = new MaxMinTokenPruner(settings)
            .Reduce(new PruningContext { Layout = Layouts.Grids((5, 10)), Budget = n, Attention = attention, HiddenStates = hidden }).Kept;
        var rows = Units(hidden);
        var order = Enumerable.Range(0, count).OrderByDescending(i => attention[i]).ToArray();
        var chosen = order.Take(Math.Max(1, (int)(pivotShare * n))).ToList();
        while (chosen.Count < n)
        {
            chosen.Add(Enumerable.Range(0, count).Except(chosen).MaxBy(i =>
                Math.Pow(attention[i] / (double)attention.Max(), relevance)
                    * chosen.Min(c => 1 - rows[i].Zip(rows[c], (a, b) => a * b).Sum())));
        }

        Assert.Equal(chosen.Order(), kept);
    }

    [Fact]
    public void Dpp_prefers_what_is_relevant_and_far_apart_and_keeps_exactly_n()
    {
        using var scope = torch.NewDisposeScope();
        // Four equal features: only the grid and relevance tell tokens apart; then more tokens than the kernel has rank.
        var same = torch.ones([16, 4]);
        var context = new PruningContext { Layout = Layouts.Grids((4, 4)), Budget = 4, Attention = [.. Enumerable.Repeat(0.1f, 16)],
            HiddenStates = same };
        int[] Kept(double sigma, int n) =>
            new DppTokenPruner(new PruningSettings { Parameters = PrunerValues.Empty.With("grid_sigma", sigma) })
            .Reduce(new PruningContext { Layout = context.Layout, Budget = n, Attention = context.Attention,
                HiddenStates = Features.Clustered(16, 3, 9) }).Kept;
        Assert.Equal(4, Kept(1, 4).Distinct().Count());
        Assert.Equal(12, Kept(0, 12).Distinct().Count());
        var relevant = new DppTokenPruner(new PruningSettings { Parameters = PrunerValues.Empty.With("dpp_relevance", 4) })
            .Reduce(new PruningContext { Layout = context.Layout, Budget = 1,
                Attention = [.. Enumerable.Range(0, 16).Select(i => i == 11 ? 0.9f : 0.1f)], HiddenStates = Features.Clustered(16, 3, 9) });
        Assert.Equal([11], relevant.Kept);
        Assert.Equal(4, new DppTokenPruner(new PruningSettings()).Reduce(context).Kept.Distinct().Count());

        // By the text: the token that points where the text points.
        var pruner = new DppTokenPruner(new PruningSettings { Parameters = PrunerValues.Empty.With("quality", "text") });
        Assert.True(pruner.Schedule[0].Signals.HasFlag(PruningSignals.TextRows));
        var hidden = torch.eye(16);
        var byText = new PruningContext { Layout = context.Layout, Budget = 1, Attention = context.Attention, HiddenStates = hidden,
            TextHiddenStates = hidden.narrow(0, 6, 1) };
        Assert.Equal([6], pruner.Reduce(byText).Kept);
        Assert.Throws<ArgumentException>(() => pruner.Reduce(context));
    }

    private static int[] Reduce(string method, PruningContext context) =>
        PrunerRegistry.BuiltIn.Plan(new PruningSettings { Method = method }, 12).Pruner.Reduce(context).Kept;

    private static float[] Scores(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle())];
    }

    private static double[][] Units(torch.Tensor hidden) => [.. hidden.data<float>().ToArray().Chunk((int)hidden.shape[1]).Select(r =>
    {
        var length = Math.Sqrt(r.Sum(v => (double)v * v));
        return Array.ConvertAll(r, v => v / length);
    })];

    private static double Determinant(int[] rows, RowMatrix features, double[] relevance)
    {
        double Dot(int i, int j) => Enumerable.Range(0, features.Width).Sum(d => (double)features[i][d] * features[j][d]);
        var m = rows.Select(i => rows.Select(j => relevance[i] * relevance[j] * Dot(i, j) / Math.Sqrt(Dot(i, i) * Dot(j, j))).ToArray())
            .ToArray();
        var result = 1.0;
        for (var k = 0; k < m.Length; k++)
        {
            result *= m[k][k];
            for (var i = k + 1; i < m.Length; i++)
            {
                var factor = m[i][k] / m[k][k];
                for (var j = k; j < m.Length; j++) m[i][j] -= factor * m[k][j];
            }
        }

        return result;
    }
}
