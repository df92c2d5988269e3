using D2Pruner.AI.Evaluation.Statistics;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

public sealed class StatisticsTests
{
    // Two-sided binomial at 1/2, by hand: 2 * (C(n,0) + ... + C(n,k)) / 2^n, at most 1.
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(0, 5, 0.0625)]
    [InlineData(1, 9, 0.021484375)]
    [InlineData(9, 1, 0.021484375)]
    [InlineData(3, 3, 1)]
    public void McNemar_IsTheExactTest(int a, int b, double p) => Assert.Equal(p, PairedTests.McNemar(a, b), 12);

    [Fact]
    public void Holm_KeepsTheOrderOfItsInput()
    {
        // 0.0075*4 = 0.03; 0.01*3 = 0.03; 0.02*2 = 0.04; 0.5.
        Assert.Equal([0.03, 0.04, 0.03, 0.5], PairedTests.Holm([0.01, 0.02, 0.0075, 0.5]), new Close());
    }

    [Fact]
    public void Bootstrap_CoversWhatACoinDoes()
    {
        // 100 images, half of them right: the interval of the mean is about 0.5 +- 1.96 * 0.05.
        var resamples = new Resamples(100, 10_000, 3);
        var sums = Enumerable.Range(0, 100).Select(i => i % 2 * 1.0).ToArray();
        var (low, high) = Resamples.Interval(resamples.Means(sums, [.. Enumerable.Repeat(1, 100)]));
        Assert.InRange(low, 0.39, 0.42);
        Assert.InRange(high, 0.58, 0.61);
        Assert.Equal((low, high), Resamples.Interval(new Resamples(100, 10_000, 3).Means(sums, [.. Enumerable.Repeat(1, 100)])));
    }

    [Fact]
    public void Bootstrap_DrawsImagesNotQuestions()
    {
        // Ten images with a hundred equal questions each: as uncertain as ten questions, not as a thousand.
        var sums = Enumerable.Range(0, 10).Select(i => i % 2 * 100.0).ToArray();
        var (low, high) = Resamples.Interval(new Resamples(10, 2000, 1).Means(sums, [.. Enumerable.Repeat(100, 10)]));
        Assert.True(high - low > 0.5, $"{low}..{high}");
    }

    // The table of specs' FLOPs for LLaVA-7B: 576 visual and 60 other tokens, all attention pairs counted.
    [Theory]
    [InlineData(192, 2, 2.33)]
    [InlineData(64, 2, 4.14)]
    [InlineData(128, 5, 2.49)]
    public void Limits_AreThoseOfTheTable(int n, int k, double limit)
    {
        var config = new D2Pruner.AI.Runtime.Decoder.DecoderConfig
        {
            HiddenSize = 4096, IntermediateSize = 11008, Layers = 32, Heads = 32, KvHeads = 32, HeadDim = 128, VocabularySize = 32000,
                RmsNormEps = 1e-5, RopeTheta = 10000, MaxPositions = 4096,
        };
        var kept = Enumerable.Range(0, 32).Select(i => i < k ? 576 : n).ToArray();
        Assert.Equal(limit, PrefillCost.Of(config, 576, 60, kept, 1).SpeedUpLimit, 2);
    }

    private sealed class Close : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-12;

        public int GetHashCode(double x) => 0;
    }
}
