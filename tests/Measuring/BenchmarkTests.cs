using D2Pruner.AI.Benchmarks;
using Xunit;

namespace D2Pruner.AI.Tests.Measuring;

[Collection(TorchCollection.Name)]
public sealed class BenchmarkTests
{
    // Written down from the formula of the evaluation notes, not from the code: F(n) = 2[(2+2g) n d² + n² d + 3 n d m].
    [Theory]
    [InlineData("llava", 192, 2, 576, 4096, 11008, 1.0)]
    [InlineData("llava", 64, 5, 576, 4096, 11008, 1.0)]
    [InlineData("llavanext", 320, 2, 2880, 4096, 11008, 1.0)]
    [InlineData("qwen2.5vl", 128, 2, 1280, 3584, 18944, 4.0 / 28)]
    public void Limits_EqualAnIndependentComputation(string name, int kept, int k, int visual, double d, double m, double g)
    {
        var geometry = Summary.Plan.Single(p => p.Geometry.Name == name).Geometry;
        Assert.Equal(visual, geometry.VisualTokens);
        double F(double n) => 2 * (((2 + (2 * g)) * n * d * d) + (n * n * d) + (3 * n * d * m));
        var expected = 8 * F(visual + 60) / ((k * F(visual + 60)) + ((8 - k) * F(kept + 60)));
        Assert.Equal(expected, geometry.Limit(k, 8, kept), 9);
    }

    [Fact]
    public void FullDepth_GivesThePapersTable()
    {
        // With 32 layers and T = 60, the halved n² term: between the table's full-attention figures and a little above.
        Assert.InRange(Geometry.Llava.Limit(2, 32, 128), 2.95, 3.05);
        Assert.InRange(Geometry.LlavaNext.Limit(2, 32, 320), 5.6, 5.85);
    }

    [Fact]
    public void Summary_HasEveryCase() => Assert.Equal(
        ["llava-576-192-K2", "llava-576-128-K2", "llava-576-64-K2", "llava-576-192-K5", "llava-576-128-K5", "llava-576-64-K5",
            "qwen2.5vl-1280-128-K2", "llavanext-2880-320-K2"],
        Summary.Plan.SelectMany(p => p.Cases.Select(c => Summary.Name(p.Geometry, c.Kept, c.K))));

    [SkippableFact]
    public void Prefill_StaysFlat_AtLlavaNextGeometry()
    {
        Assert.Equal(2928, PeakMemory.Geometry.VisualTokens);
        var peak = PeakMemory.Measure();
        Skip.If(peak is null, "this system does not tell the peak of a process's memory");
        Assert.True(peak < PeakMemory.Bound, $"{peak:N0} bytes, bound {PeakMemory.Bound:N0}");
        Assert.True(PeakMemory.Bound < PeakMemory.AttentionMaps, "the bound must tell a flat prefill from one with attention maps");
    }
}
