using D2Pruner.AI.Pruning;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

public sealed class GreedyIndependentSetTests
{
    private static readonly float[] Falling = [6, 5, 4, 3, 2, 1];

    /// <summary>A path 0-1-2-3-4-5 with falling scores; n = 3, one pivot at ratio 0.4.</summary>
    [Theory]
    [InlineData(PivotRule.R1, 0.4, new[] { 0, 2, 4 }, 1, 0)]
    [InlineData(PivotRule.R2, 0.4, new[] { 0, 1, 3 }, 1, 0)] // the pivot 0 does not exclude 1
    [InlineData(PivotRule.R3, 0.4, new[] { 0, 2, 4 }, 0, 0)]
    [InlineData(PivotRule.R1, 0.7, new[] { 0, 1, 3 }, 2, 0)] // pivots 0 and 1 are neighbours: plain top
    [InlineData(PivotRule.R3, 0.7, new[] { 0, 2, 4 }, 0, 0)]
    [InlineData(PivotRule.R1, 1.0, new[] { 0, 1, 2 }, 3, 0)]
    public void Rules_on_a_path(PivotRule rule, double ratio, int[] kept, int pivots, int fill)
    {
        var result = GreedyIndependentSet.Select(Falling, Path(6), 3, ratio, rule);
        Assert.Equal(kept, result.Kept);
        Assert.Equal((pivots, fill), (result.Pivots, result.Fill));
    }

    [Fact]
    public void Fill_takes_the_best_left_when_the_pool_is_empty()
    {
        var graph = new AdjacencyBits(6);
        graph.Complete();
        var result = GreedyIndependentSet.Select([1, 2, 3, 4, 5, 6], graph, 4, 0.3, PivotRule.R1);
        Assert.Equal([2, 3, 4, 5], result.Kept);
        Assert.Equal((1, 3), (result.Pivots, result.Fill));
    }

    [Fact]
    public void Ties_go_to_the_lower_index()
    {
        Assert.Equal([0, 1, 2], GreedyIndependentSet.Select(new float[6], new AdjacencyBits(6), 3, 0.7, PivotRule.R1).Kept);
        Assert.Equal([0, 2, 4], GreedyIndependentSet.Select(new float[6], Path(6), 3, 0, PivotRule.R1).Kept);
    }

    [Fact]
    public void One_token_has_no_pivot() => // floor(0.7 * 1) = 0
        Assert.Equal(0, GreedyIndependentSet.Select(Falling, Path(6), 1, 0.7, PivotRule.R1).Pivots);

    [Theory]
    [InlineData(10, 0.7, 7)]
    [InlineData(100, 0.29, 28)] // 28.999999999999996 in double
    [InlineData(90, 0.7, 62)] // 62.99999999999999 in double
    [InlineData(192, 0.7, 134)]
    public void Pivot_count_is_floored_in_double(int n, double ratio, int pivots) =>
        Assert.Equal(pivots, PivotSelection.Count(n, ratio, PivotRule.R1));

    [Fact]
    public void Bits_agree_with_a_naive_selection()
    {
        var random = new Random(7);
        for (var trial = 0; trial < 300; trial++)
        {
            var count = random.Next(1, 150);
            var edges = new bool[count, count];
            var graph = new AdjacencyBits(count);
            for (var e = random.Next(count * 3); e > 0; e--)
            {
                var (i, j) = (random.Next(count), random.Next(count));
                graph.Add(i, j);
                if (i != j) edges[i, j] = edges[j, i] = true;
            }
            var scores = Enumerable.Range(0, count).Select(_ => (float)random.Next(20)).ToArray();
            var n = random.Next(1, count + 1);
            var ratio = random.Next(4) / 3.0;
            var rule = (PivotRule)random.Next(3);
            var (kept, pivots, fill) = GreedyIndependentSet.Select(scores, graph, n, ratio, rule);
            var naive = Naive(scores, edges, n, ratio, rule);
            Assert.Equal(naive.Kept, kept);
            Assert.Equal((naive.Pivots, naive.Fill), (pivots, fill));
        }
    }

    private static (int[] Kept, int Pivots, int Fill) Naive(float[] scores, bool[,] edges, int n, double ratio, PivotRule rule)
    {
        var order = Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ThenBy(i => i).ToList();
        var pivots = rule == PivotRule.R3 ? 0 : (int)Math.Floor(ratio * n);
        var kept = order.Take(pivots).ToList();
        var blocking = rule == PivotRule.R2 ? new List<int>() : [.. kept];
        while (kept.Count < n)
        {
            var next = order.FirstOrDefault(i => !kept.Contains(i) && blocking.All(b => !edges[b, i]), -1);
            if (next < 0) break;
            kept.Add(next);
            blocking.Add(next);
        }
        var fill = n - kept.Count;
        kept.AddRange(order.Where(i => !kept.Contains(i)).Take(fill).ToArray());
        return ([.. kept.Order()], pivots, fill);
    }

    private static AdjacencyBits Path(int count)
    {
        var graph = new AdjacencyBits(count);
        for (var i = 0; i + 1 < count; i++) graph.Add(i, i + 1);
        return graph;
    }
}
