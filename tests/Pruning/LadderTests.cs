using System.Text.Json;
using D2Pruner.AI.Pruning;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>The theta ladder against a second implementation over the whole matrix, and against the paper's
/// rule where that fills nothing.</summary>
[Collection(TorchCollection.Name)]
public sealed class LadderTests(SelectionFixture fixture) : IClassFixture<SelectionFixture>
{
    public static TheoryData<int, double, int, double> Cases => new()
    {
        { 1, 1, 20, 0.7 }, { 2, 1, 40, 0.7 }, { 3, 0.9, 30, 0.3 }, { 4, 0.5, 50, 0 }, { 5, 1, 90, 0.2 }, { 6, 0.95, 60, 1 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_a_plain_second_implementation(int seed, double alpha, int n, double pivotRatio)
    {
        using var scope = torch.NewDisposeScope();
        var layout = Layouts.Grids((8, 10), (4, 5));
        var hidden = Features.Clustered(layout.Count, 6, seed);
        var random = new Random(seed);
        float[] attention = [.. Enumerable.Range(0, layout.Count).Select(_ => random.NextSingle())];
        foreach (var theta in new[] { 0.3, 0.6, 0.8 })
        {
            var settings = new PruningSettings { Alpha = alpha, Theta = theta, PivotRatio = pivotRatio };
            var reduction = new D2LadderTokenPruner(settings)
                .Reduce(new PruningContext { Layout = layout, Budget = n, Attention = attention, HiddenStates = hidden });
            var (kept, fill) = Plain(Rows(hidden), layout, attention, n, alpha, theta, pivotRatio);
            Assert.Equal(kept, reduction.Kept);
            Assert.Equal(fill, reduction.Statistics.Fill);
        }
    }

    [Fact]
    public void Differs_from_the_papers_rule_exactly_where_that_fills()
    {
        var (same, different) = (0, 0);
        foreach (var c in fixture.Cases("d2pruner").Where(c => c.GetProperty("rule").GetString() == "R1"))
        {
            var layout = SelectionFixture.Layout(c);
            var n = c.GetProperty("n").GetInt32();
            if (n >= layout.Count) continue;
            var set = SelectionFixture.Set(c);
            using var hidden = fixture.Tensor($"{set}.hidden");
            var context = new PruningContext { Layout = layout, Budget = n, Attention = fixture.Values($"{set}.attention"),
                HiddenStates = hidden };
            var settings = new PruningSettings
            {
                Alpha = c.GetProperty("alpha").GetDouble(),
                Theta = c.GetProperty("theta").GetDouble(),
                PivotRatio = c.GetProperty("pivot_ratio").GetDouble(),
            };
            var paper = new D2TokenPruner(settings).Reduce(context);
            var ladder = new D2LadderTokenPruner(settings).Reduce(context);
            Assert.True(ladder.Statistics.Fill <= paper.Statistics.Fill);
            if (paper.Statistics.Fill == 0) Assert.Equal(paper.Kept, ladder.Kept);
            if (paper.Kept.SequenceEqual(ladder.Kept)) same++;
            else different++;
        }

        Assert.True(same > 0 && different > 0, $"{same} equal, {different} different");
    }

    // The rule said once more: a matrix, a threshold, a walk.
    private static (int[] Kept, int Fill) Plain(
        double[][] x, VisualTokenLayout layout, float[] score, int n, double alpha, double theta, double pivotRatio)
    {
        var count = x.Length;
        var cosine = new double[count, count];
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < count; j++) cosine[i, j] = Dot(x[i], x[j]) / Math.Sqrt(Dot(x[i], x[i]) * Dot(x[j], x[j]));
        }

        var (min, max) = (cosine.Cast<double>().Min(), cosine.Cast<double>().Max());
        bool Edge(int i, int j, double t) => i != j
            && alpha * (cosine[i, j] - min) / (max - min) + (1 - alpha) * (Neighbours(layout, i, j) ? 1 : 0) > t;
        int[] order = [.. Enumerable.Range(0, count).OrderByDescending(i => score[i]).ThenBy(i => i)];
        var selected = new HashSet<int>(order.Take((int)Math.Floor(pivotRatio * n)));
        for (var t = theta; selected.Count < n && t < 1; t = theta + Math.Round((t - theta) / 0.02 + 1) * 0.02)
        {
            foreach (var i in order)
            {
                if (selected.Count < n && !selected.Contains(i) && !selected.Any(s => Edge(s, i, t))) selected.Add(i);
            }
        }

        var fill = n - selected.Count;
        foreach (var i in order.Where(i => !selected.Contains(i)).Take(fill).ToArray()) selected.Add(i);
        return ([.. selected.Order()], fill);
    }

    private static bool Neighbours(VisualTokenLayout layout, int i, int j)
    {
        var start = 0;
        foreach (var g in layout.Components)
        {
            if (i >= start && j >= start && i < start + g.Count && j < start + g.Count)
                return Math.Max(Math.Abs((i - start) / g.Columns - (j - start) / g.Columns),
                    Math.Abs((i - start) % g.Columns - (j - start) % g.Columns)) == 1;
            start += g.Count;
        }

        return false;
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (u, v) => u * v).Sum();

    private static double[][] Rows(torch.Tensor hidden)
    {
        var values = hidden.to(torch.ScalarType.Float32).data<float>().ToArray();
        var width = (int)hidden.shape[1];
        return [.. values.Chunk(width).Select(r => Array.ConvertAll(r, v => (double)v))];
    }
}
