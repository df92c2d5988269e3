using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Decoder;

[Collection(TorchCollection.Name)]
public sealed class MatVecTests
{
    [Theory]
    [InlineData(1024, 1024)]
    [InlineData(1027, 1056)] // rows beyond a multiple of four, columns beyond one of 64
    [InlineData(64, 32768)]
    public void Product_EqualsLibtorchs(int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        random.manual_seed(1);
        var x = randn(1, 1, inputs).to(ScalarType.BFloat16);
        var w = (randn(outputs, inputs) * 0.02).to(ScalarType.BFloat16);
        Assert.True(BFloat16MatVec.Applies(x, w));
        var y = BFloat16MatVec.Multiply(x, w);
        var exact = matmul(x.to(ScalarType.Float64), w.to(ScalarType.Float64).transpose(0, 1));
        Assert.Equal([1, 1, outputs], y.shape);
        // One rounding to bf16 of an fp32 sum.
        var error = (y.to(ScalarType.Float64) - exact).abs() / (exact.abs() + 0.05);
        Assert.True(error.max().item<double>() < 1.0 / 256, $"{error.max().item<double>()}");
        var libtorch = nn.functional.linear(x, w).to(ScalarType.Float64);
        Assert.True((libtorch - y.to(ScalarType.Float64)).abs().max().item<double>() <= (libtorch - exact).abs().max().item<double>() + (y.to(ScalarType.Float64) - exact).abs().max().item<double>() + 1e-6);
    }

    [Fact]
    public void Kernel_IsForLargeSingleRowsWithoutGradientOnly()
    {
        using var scope = NewDisposeScope();
        var w = zeros(1024, 1024, ScalarType.BFloat16);
        var x = zeros(1, 1, 1024, ScalarType.BFloat16);
        Assert.False(BFloat16MatVec.Applies(x, w)); // gradients are on
        using var none = no_grad();
        Assert.True(BFloat16MatVec.Applies(x, w));
        Assert.False(BFloat16MatVec.Applies(zeros(1, 2, 1024, ScalarType.BFloat16), w));
        Assert.False(BFloat16MatVec.Applies(x.to(ScalarType.Float32), w.to(ScalarType.Float32)));
        Assert.False(BFloat16MatVec.Applies(zeros(1, 1, 64, ScalarType.BFloat16), zeros(64, 64, ScalarType.BFloat16)));
    }

    [Fact]
    public void NotANumber_StaysOne()
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        var x = full([1, 1, 1024], float.NaN, ScalarType.BFloat16);
        Assert.True(BFloat16MatVec.Multiply(x, ones(1024, 1024, ScalarType.BFloat16)).isnan().all().item<bool>());
    }
}
