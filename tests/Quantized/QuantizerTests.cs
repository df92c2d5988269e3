using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Quantized;

[Collection(TorchCollection.Name)]
public sealed class QuantizerTests
{
    public static TheoryData<int, int, bool> Rules =>
        new() { { 8, 0, true }, { 8, 32, false }, { 4, 32, true }, { 4, 128, true }, { 4, 64, false } };

    [Theory]
    [MemberData(nameof(Rules))]
    public void EveryWeight_IsRoundedToItsNearestCode(int bits, int group, bool symmetric)
    {
        const int Inputs = 160;
        float[] w = Weights(3, Inputs);
        var q = Quantizer.Matrix(
            3, Inputs, new QuantizationRule(bits, group, symmetric), (r, to) => w.AsSpan(r * Inputs, Inputs).CopyTo(to.Span), default);
        var row = new float[Inputs];
        for (var r = 0; r < 3; r++)
        {
            q.Row(r, row);
            for (var i = 0; i < Inputs; i++)
            {
                var scale = q.Scales[r * q.Groups + i / q.GroupSize];
                // Half a step, or a clipped end where the scale was rounded down or 7.5 steps were chosen.
                // a zero point is whole: ends may clip by half a step
                Assert.InRange(Math.Abs(row[i] - w[r * Inputs + i]) / scale, 0, symmetric ? 0.55f : 1.05f);
                Assert.Equal(scale, BFloat16Bits.ToFloat(BFloat16Bits.Round(scale)));
            }
        }
    }

    [Fact]
    public void SymmetricFourBits_ChooseTheBetterOfTwoScales()
    {
        // One weight at -8 steps of 7.5ths: the wider code range fits it better.
        float[] w = [-1, 0.1333f, 0.2667f, 0.4f, 0.5333f, .6667f, 0.8f, 0.9333f];
        var codes = new byte[w.Length];
        var (scale, zero) = Quantizer.Group(w, new QuantizationRule(4, 8, true), codes);
        double Error(float s) => w.Sum(v => Math.Pow((Quantizer.Code(v, new QuantizationRule(4, 8, true), s, 8) - 8) * s - v, 2));
        float Rounded(float s) => BFloat16Bits.ToFloat(BFloat16Bits.Round(s));
        Assert.Equal(8, zero);
        Assert.Equal(Math.Min(Error(Rounded(1 / 7f)), Error(Rounded(1 / 7.5f))), Error(scale), 12);
    }

    [Fact]
    public void Ties_GoToEven_AndZerosHaveAScale()
    {
        var rule = new QuantizationRule(8, 0, true);
        Assert.Equal(130, Quantizer.Code(2.5f, rule, 1, 128));
        Assert.Equal(132, Quantizer.Code(3.5f, rule, 1, 128));
        Assert.Equal(1, Quantizer.Choose(new float[16], rule).Scale);
        Assert.Equal(1, Quantizer.Choose(new float[16], new QuantizationRule(4, 16, false)).Scale);
    }

    [Fact]
    public void Compensation_MakesTheProductsErrorSmaller()
    {
        using var scope = NewDisposeScope();
        using var none = no_grad();
        const int Outputs = 48, Inputs = 192;
        random.manual_seed(3);
        var w = Weights(Outputs, Inputs);
        // Inputs that hang together, as a network's do.
        var x = matmul(randn(600, 40), randn(40, Inputs)).add(randn(600, Inputs).mul(0.3f));
        var moment = matmul(x.transpose(0, 1), x);
        var rule = new QuantizationRule(4, 64, true);
        void Read(int r, Memory<float> to) => w.AsSpan(r * Inputs, Inputs).CopyTo(to.Span);
        double Error(QuantizedMatrix q)
        {
            var rows = new float[Outputs * Inputs];
            for (var r = 0; r < Outputs; r++) q.Row(r, rows.AsSpan(r * Inputs, Inputs));
            return matmul(x, tensor(rows, Outputs, Inputs).sub(tensor(w, Outputs, Inputs)).transpose(0, 1)).norm().item<float>();
        }

        var nearest = Error(Quantizer.Matrix(Outputs, Inputs, rule, Read, default));
        var compensated = Error(CompensatedRounding.Matrix(Outputs, Inputs, rule, Read, moment, default));
        Assert.True(compensated < 0.6 * nearest, $"{compensated} after compensation, {nearest} to nearest");
    }

    private static float[] Weights(int outputs, int inputs)
    {
        var random = new Random(2);
        return [.. Enumerable.Range(0, outputs * inputs)
            .Select(_ => (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 0.2f)];
    }
}
