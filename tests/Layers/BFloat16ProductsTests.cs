using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Layers;

/// <summary>Products over bfloat16 on processors where libtorch's own are slow.</summary>
[Collection(TorchCollection.Name)]
public sealed class BFloat16ProductsTests
{
    [Fact]
    public void Widened_ALinearMap_IsTheFp32Product_RoundedOnce()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        Tensor w = randn(40, 24).to(ScalarType.BFloat16), b = randn(40).to(ScalarType.BFloat16);
        var x = randn(1, 33, 24).to(ScalarType.BFloat16);
        var expected = nn.functional.linear(x.to(ScalarType.Float32), w.to(ScalarType.Float32), b.to(ScalarType.Float32));
        var actual = Slowly(() => new DenseLinear(w, b).Forward(x));
        Assert.Equal(ScalarType.BFloat16, actual.dtype);
        Assert.Equal(Values(expected.to(ScalarType.BFloat16)), Values(actual));
    }

    [Fact]
    public void Widened_GradientsArrive()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var w = randn(40, 24).to(ScalarType.BFloat16).requires_grad_(true);
        var x = randn(1, 33, 24).to(ScalarType.BFloat16);
        Slowly(() => new DenseLinear(w, null).Forward(x)).to(ScalarType.Float32).sum().backward();
        var expected = x.to(ScalarType.Float32).sum(1).expand(40, 24);
        Assert.True(allclose(w.grad!.to(ScalarType.Float32), expected, 0.02, 0.05));
    }

    [Fact]
    public void Widened_Patches_AreTheFp32Convolution_RoundedOnce()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        Tensor pixels = randn(1, 3, 8, 12).to(ScalarType.BFloat16), w = randn(5, 3, 4, 4).to(ScalarType.BFloat16);
        var expected = nn.functional.conv2d(pixels.to(ScalarType.Float32), w.to(ScalarType.Float32), strides: [4, 4]);
        var actual = Slowly(() => BFloat16Products.Patches(pixels, w, null, 4));
        Assert.Equal(Values(expected.to(ScalarType.BFloat16)), Values(actual));
    }

    private static float[] Values(Tensor t) => t.to(ScalarType.Float32).contiguous().data<float>().ToArray();

    private static Tensor Slowly(Func<Tensor> product)
    {
        var before = BFloat16Products.AreFast;
        BFloat16Products.AreFast = false;
        try
        {
            return product();
        }
        finally
        {
            BFloat16Products.AreFast = before;
        }
    }
}
