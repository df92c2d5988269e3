using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Tests.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Layers;

[Collection(TorchCollection.Name)]
public sealed class DenseLinearTests
{
    public static TheoryData<int, int, ScalarType, bool> Shapes => new()
    {
        { 1024, 1024, ScalarType.BFloat16, false },
        { 1027, 1056, ScalarType.BFloat16, true }, // outputs beyond a multiple of four, inputs beyond one of 64
        { 64, 32768, ScalarType.BFloat16, false },
        { 7, 45, ScalarType.BFloat16, true }, // small, and no multiple of anything
        { 130, 77, ScalarType.Float32, true },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Product_OfOneRow_IsTheExactOneRoundedOnce(int outputs, int inputs, ScalarType type, bool bias)
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        var linear = Make(outputs, inputs, type, bias);
        var x = randn(1, 1, inputs).to(type);
        Assert.True(linear.Applies(x));
        var y = linear.Forward(x);
        Assert.Equal([1, 1, outputs], y.shape);
        var exact = matmul(x.to(ScalarType.Float64), linear.Weight.to(ScalarType.Float64).transpose(0, 1));
        if (bias) exact = exact.add(linear.Bias!.to(ScalarType.Float64));
        var error = (y.to(ScalarType.Float64) - exact).abs() / (exact.abs() + 0.05);
        Assert.True(error.max().item<double>() < (type == ScalarType.BFloat16 ? 1.0 / 256 : 1e-5), $"{error.max().item<double>()}");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void EveryRow_GivesWhatItGivesAlone_BitForBit(int outputs, int inputs, ScalarType type, bool bias)
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        var linear = Make(outputs, inputs, type, bias);
        var x = randn(16, inputs).to(type);
        byte[][] alone = [.. Enumerable.Range(0, 16).Select(i => linear.Forward(x.narrow(0, i, 1)).bytes.ToArray())];
        for (var rows = 2; rows <= 16; rows++)
        {
            var together = linear.Forward(x.narrow(0, 0, rows)).bytes;
            for (var i = 0; i < rows; i++) Assert.Equal(alone[i], together.Slice(i * alone[i].Length, alone[i].Length).ToArray());
        }
    }

    [Fact]
    public void Kernels_AreForUpToSixteenRowsWithoutGradient_WhateverTheirShape()
    {
        using var scope = NewDisposeScope();
        var linear = Make(8, 64, ScalarType.BFloat16, bias: true);
        var x = zeros(16, 64, ScalarType.BFloat16);
        Assert.False(linear.Applies(x)); // gradients are on
        using var none = no_grad();
        Assert.True(linear.Applies(x));
        Assert.True(linear.Applies(x.reshape(2, 8, 64)));
        Assert.False(linear.Applies(zeros(17, 64, ScalarType.BFloat16)));
        Assert.False(linear.Applies(x.to(ScalarType.Float32)));
    }

    [Fact]
    public void FewQuantizedOutputs_TakeMoreRowsThanTheKernels()
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        using var matrix = KernelMatrix.Pack(QuantizedKernelTests.Random(8, 32, true, false, 8, 64), null, []);
        var linear = new QuantizedLinear(matrix, null);
        var x = randn(MatrixKernel.MaxRows + 1, 64);
        var expected = nn.functional.linear(x, linear.Dequantize(ScalarType.Float32), null);
        Assert.True(allclose(expected, linear.Forward(x), 1e-4, 1e-4));
    }

    [Fact]
    public void NotANumber_StaysOne()
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        var linear = new DenseLinear(ones(1024, 1024, ScalarType.BFloat16), null);
        Assert.True(linear.Forward(full([1, 1, 1024], float.NaN, ScalarType.BFloat16)).isnan().all().item<bool>());
    }

    [Fact]
    public void Gradients_Flow()
    {
        using var scope = NewDisposeScope();
        var weight = ones(4, 32).requires_grad_();
        new DenseLinear(weight, null).Forward(ones(2, 32)).sum().backward();
        Assert.Equal(2, weight.grad!.mean().item<float>());
    }

    private static DenseLinear Make(int outputs, int inputs, ScalarType type, bool bias)
    {
        random.manual_seed(1);
        return new DenseLinear((randn(outputs, inputs) * 0.02).to(type), bias ? randn(outputs).to(type) : null);
    }
}
