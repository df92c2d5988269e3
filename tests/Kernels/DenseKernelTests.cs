using D2Pruner.AI.Runtime.Kernels;
using Xunit;

namespace D2Pruner.AI.Tests.Kernels;

/// <summary>Every width of lanes against sums in fp64, whichever of them this machine would choose.</summary>
public sealed unsafe class DenseKernelTests
{
    [Theory]
    [InlineData(9, 97)]
    [InlineData(64, 128)]
    public void BFloat16_InEveryWidth_EqualsFp64(int outputs, int inputs)
    {
        CheckBFloat16<Lanes1>(outputs, inputs);
        if (Lanes128.IsSupported) CheckBFloat16<Lanes128>(outputs, inputs);
        if (Lanes256.IsSupported) CheckBFloat16<Lanes256>(outputs, inputs);
        if (Lanes512.IsSupported) CheckBFloat16<Lanes512>(outputs, inputs);
    }

    [Theory]
    [InlineData(9, 97)]
    [InlineData(64, 128)]
    public void Float32_InEveryWidth_EqualsFp64(int outputs, int inputs)
    {
        CheckFloat32<Lanes1>(outputs, inputs);
        if (Lanes128.IsSupported) CheckFloat32<Lanes128>(outputs, inputs);
        if (Lanes256.IsSupported) CheckFloat32<Lanes256>(outputs, inputs);
        if (Lanes512.IsSupported) CheckFloat32<Lanes512>(outputs, inputs);
    }

    [Theory]
    [InlineData(50, 83)]
    [InlineData(11, 16)]
    public void BFloat16_OfAnyNumberOfRows_IsWhatEachRowGivesAlone(int outputs, int inputs)
    {
        CheckRows<Lanes1>(outputs, inputs);
        if (Lanes128.IsSupported) CheckRows<Lanes128>(outputs, inputs);
        if (Lanes256.IsSupported) CheckRows<Lanes256>(outputs, inputs);
        if (Lanes512.IsSupported) CheckRows<Lanes512>(outputs, inputs);
    }

    [Fact]
    public void NotANumber_StaysOne_InEveryWidth()
    {
        CheckNaN<Lanes1>();
        if (Lanes128.IsSupported) CheckNaN<Lanes128>();
        if (Lanes256.IsSupported) CheckNaN<Lanes256>();
        if (Lanes512.IsSupported) CheckNaN<Lanes512>();
    }

    // A scale of a damaged file widens to such a one; carried over by rounding it would be -0.
    private static void CheckNaN<T>()
        where T : struct, ILanes<T>
    {
        var values = stackalloc float[16];
        var rounded = stackalloc ushort[16];
        for (var i = 0; i < T.Count; i++) values[i] = BitConverter.UInt32BitsToSingle(i % 2 == 0 ? 0x7FFFE000 : 0xFFFFFFFF);
        T.StoreBFloat16(T.Load(values), rounded);
        for (var i = 0; i < T.Count; i++) Assert.Equal(BFloat16Bits.Round(values[i]), rounded[i]);
    }

    private static void CheckRows<T>(int outputs, int inputs)
        where T : struct, ILanes<T>
    {
        const int Rows = 21; // more than the few rows' way takes
        var random = new Random(5);
        ushort[] w = [.. Enumerable.Range(0, outputs * inputs).Select(_ => BFloat16Bits.Round(random.NextSingle() - 0.5f))];
        float[] x = [.. Enumerable.Range(0, Rows * inputs).Select(_ => random.NextSingle() - 0.5f)];
        float[] alone = new float[Rows * outputs], together = new float[alone.Length];
        fixed (ushort* pw = w)
        fixed (float* px = x, pa = alone, pt = together)
        {
            float** rows = stackalloc float*[Rows], one = stackalloc float*[Rows], all = stackalloc float*[Rows];
            for (var b = 0; b < Rows; b++)
            {
                rows[b] = px + b * inputs;
                one[b] = pa + b * outputs;
                all[b] = pt + b * outputs;
            }

            for (var b = 0; b < Rows; b++) DenseKernel.BFloat16<T>(pw, inputs, rows + b, 1, one + b, 0, outputs);
            for (var count = 2; count <= Rows; count++)
            {
                Array.Clear(together);
                DenseKernel.BFloat16<T>(pw, inputs, rows, count, all, 0, outputs);
                Assert.Equal(alone.AsSpan(0, count * outputs), together.AsSpan(0, count * outputs));
            }
        }
    }

    private static void CheckBFloat16<T>(int outputs, int inputs)
        where T : struct, ILanes<T>
    {
        foreach (var rows in (int[])[6, 150]) CheckBFloat16<T>(rows, outputs, inputs); // few, and more than a block
    }

    private static void CheckBFloat16<T>(int rows, int outputs, int inputs)
        where T : struct, ILanes<T>
    {
        var random = new Random(3);
        ushort[] w = [.. Enumerable.Range(0, outputs * inputs).Select(_ => BFloat16Bits.Round(random.NextSingle() - 0.5f))];
        ushort[] x = [.. Enumerable.Range(0, rows * inputs).Select(_ => BFloat16Bits.Round(random.NextSingle() - 0.5f))];
        var y = new ushort[rows * outputs];
        fixed (ushort* pw = w, px = x, py = y) MatrixRows.Multiply<T>(
            KernelMatrix.Dense((nint)pw, outputs, inputs, true, 0, null), (nint)px, (nint)py, rows, bfloat16: true, threads: 2);
        for (var b = 0; b < rows; b++)
        {
            for (var r = 0; r < outputs; r++)
            {
                double sum = 0;
                for (var i = 0; i < inputs; i++)
                    sum += (double)BFloat16Bits.ToFloat(w[r * inputs + i]) * BFloat16Bits.ToFloat(x[b * inputs + i]);
                Assert.InRange(BFloat16Bits.ToFloat(y[b * outputs + r]), sum - Math.Abs(sum) / 255 - 1e-5,
                    sum + Math.Abs(sum) / 255 + 1e-5);
            }
        }
    }

    private static void CheckFloat32<T>(int outputs, int inputs)
        where T : struct, ILanes<T>
    {
        const int Rows = 3;
        var random = new Random(4);
        float[] w = [.. Enumerable.Range(0, outputs * inputs).Select(_ => random.NextSingle() - 0.5f)];
        float[] x = [.. Enumerable.Range(0, Rows * inputs).Select(_ => random.NextSingle() - 0.5f)];
        float[] bias = [.. Enumerable.Range(0, outputs).Select(_ => random.NextSingle())];
        var y = new float[Rows * outputs];
        fixed (float* pw = w, px = x, py = y, pb = bias)
            MatrixRows.Multiply<T>(KernelMatrix.Dense((nint)pw, outputs, inputs, false, (nint)pb, null), (nint)px, (nint)py, Rows,
                bfloat16: false, threads: 2);
        for (var b = 0; b < Rows; b++)
        {
            for (var r = 0; r < outputs; r++)
            {
                double sum = bias[r];
                for (var i = 0; i < inputs; i++) sum += (double)w[r * inputs + i] * x[b * inputs + i];
                Assert.InRange(y[b * outputs + r], sum - 1e-5, sum + 1e-5);
            }
        }
    }
}
