using D2Pruner.AI.Pruning;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Pruning;

[Collection(TorchCollection.Name)]
public sealed class SimilarityGraphTests
{
    /// <summary>The four cases of the edge algebra at theta 0.8: the S_hat above which non-neighbours and neighbours are
    /// joined (2 = never, -1 = always).</summary>
    [Theory]
    [InlineData(1.0, 0.8, 0.8)]
    [InlineData(0.5, 2, 0.6)]
    [InlineData(0.9, 0.8 / 0.9, 0.7 / 0.9)]
    [InlineData(0.1, 2, -1)]
    public void Edge_algebra(double alpha, double far, double near)
    {
        var rule = new FusedSimilarity(-1, 1, alpha, 0.8);
        for (var k = 0; k <= 1000; k++)
        {
            var normalized = k / 1000.0;
            var cosine = (float)(2 * normalized - 1);
            if (Math.Abs(normalized - far) > 1e-6) Assert.Equal(normalized > far, rule.IsEdge(cosine, false));
            if (Math.Abs(normalized - near) > 1e-6) Assert.Equal(normalized > near, rule.IsEdge(cosine, true));
        }
    }

    [Fact]
    public void Theta_compares_strictly()
    {
        var rule = new FusedSimilarity(0, 1, 1, 0.5);
        Assert.False(rule.IsEdge(0.5f, false));
        Assert.True(rule.IsEdge(MathF.BitIncrement(0.5f), false));
        Assert.False(new FusedSimilarity(0, 1, 0.5, 0.5).IsEdge(1, false)); // alpha = theta: never
        Assert.Null(new FusedSimilarity(0, 1, 0.5, 0.5).FarBound());
    }

    [Theory]
    [InlineData(-0.42535f, 1.0000001f, 1.0, 0.8)]
    [InlineData(0.1f, 0.99f, 0.9, 0.8)]
    [InlineData(-1f, 1f, 1.0, 0.0)]
    [InlineData(-0.5f, 1f, 0.85, 0.55)]
    public void Far_bound_is_the_last_float_without_an_edge(float min, float max, double alpha, double theta)
    {
        var rule = new FusedSimilarity(min, max, alpha, theta);
        var bound = rule.FarBound()!.Value;
        Assert.False(rule.IsEdge(bound, false));
        Assert.True(rule.IsEdge(MathF.BitIncrement(bound), false));
    }

    [Fact]
    public void Neighbours_stay_inside_a_component_and_survive_a_subset()
    {
        var layout = Layouts.Grids((2, 2), (1, 2));
        Assert.Equal([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (4, 5)], SpatialNeighbours.Pairs(layout, null).Order());
        // Rows are candidates 0, 3, 5: only 0 and 3 touch.
        Assert.Equal([(0, 1)], SpatialNeighbours.Pairs(layout, [0, 3, 5]));
        Assert.Equal([(0, 1), (1, 2)], SpatialNeighbours.Pairs(Layouts.Grids((1, 3)), null));
    }

    [Theory]
    [InlineData(1.0, 0.8, 24L << 20)]
    [InlineData(1.0, 0.5, 0)] // nothing is kept between the walks
    [InlineData(0.9, 0.6, 500_000)] // some strips are
    [InlineData(0.5, 0.8, 0)]
    [InlineData(0.2, 0.8, 0)]
    [InlineData(0.0, 0.8, 0)]
    [InlineData(1.0, 0.0, 0)]
    public void Bits_agree_with_a_naive_graph(double alpha, double theta, long scratch)
    {
        foreach (var (rows, cols) in new[] { (1, 1), (1, 2), (7, 9), (8, 8), (13, 5), (17, 19), (20, 29) })
        {
            using var scope = NewDisposeScope();
            var layout = Layouts.Grids((rows, cols), (2, 3));
            var hidden = Features.Clustered(layout.Count, 16, rows * 31 + cols);
            var graph = SimilarityGraph.Build(hidden, layout, null, alpha, theta, default, scratch);
            AssertNaive(hidden, layout, null, alpha, theta, graph.Adjacency);
            Assert.Equal(graph.Adjacency.Edges, CountEdges(graph.Adjacency));
        }
    }

    [Fact]
    public void Bits_agree_with_a_naive_graph_on_a_subset()
    {
        using var scope = NewDisposeScope();
        var layout = Layouts.Grids((17, 19));
        int[] remaining = [.. Enumerable.Range(0, layout.Count).Where(i => i % 3 != 1)];
        var hidden = Features.Clustered(remaining.Length, 8, 5);
        var graph = SimilarityGraph.Build(hidden, layout, remaining, 0.9, 0.7);
        AssertNaive(hidden, layout, remaining, 0.9, 0.7, graph.Adjacency);
    }

    [Fact]
    public void Packing_on_the_device_agrees_with_comparing_in_place()
    {
        using var scope = NewDisposeScope();
        foreach (var count in new[] { 1, 63, 64, 65, 300, 577 })
        {
            var hidden = Features.Clustered(count, 8, count);
            var (inPlace, packed) = (new AdjacencyBits(count), new AdjacencyBits(count));
            using (var strips = new CosineStrips(hidden, 128, 0)) strips.AddEdgesAbove(0.5f, inPlace, default);
            using (var strips = new CosineStrips(hidden, 128, 0)) strips.AddEdgesAbove(0.5f, packed, default, packOnDevice: true);
            for (var i = 0; i < count; i++) Assert.True(inPlace.Row(i).SequenceEqual(packed.Row(i)));
            Assert.True(count < 63 || inPlace.Edges > 0);
        }
    }

    [Fact]
    public void Equal_tokens_are_all_redundant()
    {
        using var scope = NewDisposeScope();
        var layout = Layouts.Grids((3, 3));
        var hidden = ones([9, 4]);
        Assert.Equal(36, SimilarityGraph.Build(hidden, layout, null, 1, 0.8).Adjacency.Edges); // S_hat = 1 > 0.8
        Assert.Equal(20, SimilarityGraph.Build(hidden, layout, null, 0.5, 0.8).Adjacency.Edges); // neighbours only: 1 > 0.8, 0.5 is not
        Assert.Equal(0, SimilarityGraph.Build(hidden, layout, null, 1, 1).Adjacency.Edges);
    }

    [Fact]
    public void Half_precision_and_massive_activations_are_fine_but_not_infinity()
    {
        using var scope = NewDisposeScope();
        var layout = Layouts.Grids((2, 2));
        var huge = tensor(new float[] { 3e38f, 1, 0, 0, 1, 0, 0, 1 }, [4, 2]);
        var graph = SimilarityGraph.Build(huge, layout, null, 1, 0.8);
        Assert.Equal((0f, 1f, 1L), (graph.Min, graph.Max, graph.Adjacency.Edges));
        using var half = Features.Clustered(4, 8, 1).to(ScalarType.BFloat16);
        Assert.True(SimilarityGraph.Build(half, layout, null, 1, 0.8).Max > 0.999f);
        using var infinite = full([4, 2], float.PositiveInfinity);
        Assert.Contains("not finite",
            Assert.Throws<NotFiniteNumberException>(() => SimilarityGraph.Build(infinite, layout, null, 1, 0.8)).Message);
        Assert.Contains("[4, D]",
            Assert.Throws<ArgumentException>(() => SimilarityGraph.Build(ones([3, 2]), layout, null, 1, 0.8)).Message);
    }

    [Fact]
    public void Nothing_leaks()
    {
        using var hidden = Features.Clustered(600, 8, 3);
        var layout = Layouts.Grids((20, 30));
        SimilarityGraph.Build(hidden, layout, null, 0.9, 0.6);
        var before = Tensor.TotalCount;
        SimilarityGraph.Build(hidden, layout, null, 0.9, 0.6);
        SimilarityGraph.Build(hidden, layout, null, 0.9, 0.6, default, 0);
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static long CountEdges(AdjacencyBits graph)
    {
        long edges = 0;
        for (var i = 0; i < graph.Count; i++)
            for (var j = i + 1; j < graph.Count; j++)
                if (graph.Has(i, j)) edges++;
        return edges;
    }

    /// <summary>Equation by equation; pairs within rounding of the threshold may go either way.</summary>
    private static void AssertNaive(
        Tensor hidden, VisualTokenLayout layout, int[]? remaining, double alpha, double theta, AdjacencyBits actual)
    {
        var n = actual.Count;
        using var wide = hidden.to(ScalarType.Float64);
        using var unit = wide / wide.square().sum(1, keepdim: true).sqrt();
        var s = unit.matmul(unit.t()).data<double>().ToArray();
        var (min, max) = (s.Min(), s.Max());
        for (var i = 0; i < n; i++)
        {
            Assert.False(actual.Has(i, i));
            for (var j = 0; j < n; j++)
            {
                if (i == j) continue;
                var normalized = max - min < 1e-6 ? 1 : (s[i * n + j] - min) / (max - min);
                var fused = alpha * normalized + (1 - alpha) * (Touch(layout, remaining?[i] ?? i, remaining?[j] ?? j) ? 1 : 0);
                if (Math.Abs(fused - theta) < 1e-5) Assert.Equal(actual.Has(i, j), actual.Has(j, i));
                else Assert.True(fused > theta == actual.Has(i, j), $"{i}-{j} of {n}: fused {fused}");
            }
        }
    }

    private static bool Touch(VisualTokenLayout layout, int a, int b)
    {
        var start = 0;
        foreach (var c in layout.Components)
        {
            var (x, y) = (a - start, b - start);
            start += c.Count;
            if (x < 0 || y < 0 || x >= c.Count || y >= c.Count) continue;
            return Math.Max(Math.Abs(x / c.Columns - y / c.Columns), Math.Abs(x % c.Columns - y % c.Columns)) == 1;
        }
        return false;
    }
}
