using D2Pruner.AI.Runtime.Kernels;
using Xunit;

namespace D2Pruner.AI.Tests.Kernels;

/// <summary>8- and 4-bit products against dequantize-and-multiply in fp64, in every width of lanes, and
/// row by row alone and together.</summary>
public sealed unsafe class QuantizedKernelTests
{
    /// <summary>Bits, group (0 a row), asymmetric, columns in another order, outputs, inputs.</summary>
    public static TheoryData<int, int, bool, bool, int, int> Forms => new()
    {
        { 8, 0, false, false, 17, 200 },
        { 8, 0, true, false, 8, 64 },
        { 8, 32, true, false, 9, 160 },
        { 8, 128, false, true, 6, 256 },
        { 4, 0, false, false, 42, 96 },
        { 8, 96, true, false, 7, 300 },
        { 4, 32, false, false, 9, 96 },
        { 4, 64, true, true, 12, 192 },
        { 4, 128, false, false, 33, 384 },
        { 4, 128, true, false, 5, 300 },
        { 4, 256, true, false, 8, 512 },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public void Products_EqualFp64_InEveryWidth(int bits, int group, bool asymmetric, bool reordered, int outputs, int inputs)
    {
        var q = Random(bits, group, asymmetric, reordered, outputs, inputs);
        foreach (var activations in new[] { 8, 16, 32 })
        {
            Check<Lanes1>(q, activations);
            if (Lanes128.IsSupported) Check<Lanes128>(q, activations);
            if (Lanes256.IsSupported) Check<Lanes256>(q, activations);
            if (Lanes512.IsSupported) Check<Lanes512>(q, activations);
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void PackedRows_AreExact_InEveryWidth(int bits, int group, bool asymmetric, bool reordered, int outputs, int inputs)
    {
        var q = Random(bits, group, asymmetric, reordered, outputs, inputs);
        CheckRows<Lanes1>(q);
        if (Lanes128.IsSupported) CheckRows<Lanes128>(q);
        if (Lanes256.IsSupported) CheckRows<Lanes256>(q);
        if (Lanes512.IsSupported) CheckRows<Lanes512>(q);
    }

    [Theory]
    [InlineData(4, 0, 8)] // a scale a row: groups of a chunk inside
    [InlineData(4, 128, 8)]
    [InlineData(4, 256, 8)]
    [InlineData(4, 64, 16)]
    [InlineData(8, 128, 16)]
    public void ActivationsOfEightBits_MeetFourBitCodesInWholeChunks(int bits, int group, int found)
    {
        using var m = KernelMatrix.Pack(Random(bits, group, false, false, 4, 512), null, [], 8);
        Assert.Equal(found, m.ActivationBits);
        Assert.Equal(found == 8, KernelMatrix.TakesByteActivations(512, bits, group)); // what an estimate goes by
    }

    [Fact]
    public void TheLargestSums_FitTheirIntegers()
    {
        // Every code 15 and every activation at its largest: the sums of products of one sign.
        var q = new QuantizedMatrix { Outputs = 4, Inputs = 256, Bits = 4, Codes = [.. Enumerable.Repeat((byte)15, 1024)],
            Scales = [.. Enumerable.Repeat(1f, 8)], Zeros = new byte[8], GroupSize = 128 };
        foreach (var activations in new[] { 8, 16, 32 })
        {
            Assert.All(Ones<Lanes1>(q, activations), Equal);
            if (Lanes128.IsSupported) Assert.All(Ones<Lanes128>(q, activations), Equal);
            if (Lanes256.IsSupported) Assert.All(Ones<Lanes256>(q, activations), Equal);
            if (Lanes512.IsSupported) Assert.All(Ones<Lanes512>(q, activations), Equal);
        }

        static void Equal(float y) => Assert.Equal(-15 * 256, y, 0.01f);
    }

    [Theory]
    [InlineData(32, 16)]
    [InlineData(128, 16)]
    [InlineData(128, 8)]
    public void WhatIsNotFinite_StaysSo(int group, int activations)
    {
        using var m = KernelMatrix.Pack(Random(4, group, false, false, 4, 96), null, [], activations);
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity })
        {
            var x = new float[96];
            x[40] = bad;
            var y = new float[4];
            fixed (float* px = x, py = y) MatrixRows.Multiply(m, (nint)px, (nint)py, 1, bfloat16: false, threads: 1);
            Assert.All(y, v => Assert.False(float.IsFinite(v)));
        }
    }

    [Fact]
    public void GroupsOfOddSizes_AreNotTheKernels()
    {
        Assert.False(KernelMatrix.CanPack(Random(4, 24, false, false, 4, 96)));
        Assert.False(KernelMatrix.CanPack(Random(4, 16, false, false, 4, 96)));
        Assert.False(KernelMatrix.CanPack(Random(8, 24, false, false, 4, 96)));
    }

    // Four rows of -1 together, and one alone.
    private static float[] Ones<T>(QuantizedMatrix q, int activations)
        where T : struct, ILanes<T>
    {
        using var m = KernelMatrix.Pack(q, null, [], activations);
        float[] x = [.. Enumerable.Repeat(-1f, 5 * q.Inputs)], y = new float[5 * q.Outputs];
        fixed (float* px = x, py = y) MatrixRows.Multiply<T>(m, (nint)px, (nint)py, 5, bfloat16: false, threads: 1);
        return y;
    }

    private static void Check<T>(QuantizedMatrix q, int activations)
        where T : struct, ILanes<T>
    {
        var random = new Random(5);
        float[] bias = [.. Enumerable.Range(0, q.Outputs).Select(_ => random.NextSingle())];
        using var m = KernelMatrix.Pack(q, null, bias, activations);
        float[] x = [.. Enumerable.Range(0, 16 * q.Inputs).Select(_ => random.NextSingle() - 0.4f)];
        var alone = new float[16 * q.Outputs];
        var together = new float[16 * q.Outputs];
        fixed (float* px = x, pa = alone, pt = together)
        {
            for (var b = 0; b < 16; b++)
                MatrixRows.Multiply<T>(m, (nint)(px + b * q.Inputs), (nint)(pa + b * q.Outputs), 1, bfloat16: false, threads: 1);
            for (var rows = 1; rows <= 16; rows++)
            {
                MatrixRows.Multiply<T>(m, (nint)px, (nint)pt, rows, bfloat16: false, threads: rows % 3 + 1);
                Assert.Equal(alone.AsSpan(0, rows * q.Outputs).ToArray(), together.AsSpan(0, rows * q.Outputs).ToArray());
            }
        }

        var w = new float[q.Inputs];
        var (error, norm) = (new double[16], new double[16]);
        for (var r = 0; r < q.Outputs; r++)
        {
            q.Row(r, w);
            for (var b = 0; b < 16; b++)
            {
                double sum = bias[r];
                for (var i = 0; i < q.Inputs; i++) sum += (double)w[i] * x[b * q.Inputs + i];
                error[b] += Math.Pow(alone[b * q.Outputs + r] - sum, 2);
                norm[b] += sum * sum;
            }
        }

        var most = m.ActivationBits switch { 8 => 1e-2, 16 => 1e-4, _ => 1e-6 };
        for (var b = 0; b < 16; b++) Assert.InRange(Math.Sqrt(error[b] / norm[b]), 0, most);
    }

    private static void CheckRows<T>(QuantizedMatrix q)
        where T : struct, ILanes<T>
    {
        using var m = KernelMatrix.Pack(q, null, []);
        var (exact, rounded) = (new float[q.Outputs * q.Inputs], new ushort[q.Outputs * q.Inputs]);
        fixed (float* p = exact) DequantizeKernel.Rows<T>(m, 0, q.Outputs, (nint)p, bfloat16: false);
        fixed (ushort* p = rounded) DequantizeKernel.Rows<T>(m, 0, q.Outputs, (nint)p, bfloat16: true);
        var row = new float[q.Inputs];
        for (var r = 0; r < q.Outputs; r++)
        {
            q.Row(r, row);
            Assert.Equal(row, exact.AsSpan(r * q.Inputs, q.Inputs).ToArray());
            Assert.Equal(Array.ConvertAll(row, BFloat16Bits.Round), rounded.AsSpan(r * q.Inputs, q.Inputs).ToArray());
        }
    }

    internal static QuantizedMatrix Random(int bits, int group, bool asymmetric, bool reordered, int outputs, int inputs)
    {
        var random = new Random(bits * 1000 + group);
        var size = group == 0 ? inputs : group;
        var groups = (inputs + size - 1) / size;
        var codes = new byte[outputs * inputs];
        for (var i = 0; i < codes.Length; i++) codes[i] = (byte)random.Next(1 << bits);
        int[] of = [.. Enumerable.Range(0, inputs).Select(i => i / size)];
        if (reordered) random.Shuffle(of);
        var zeros = new byte[outputs * groups];
        for (var i = 0; i < zeros.Length; i++) zeros[i] = (byte)random.Next(1 << bits);
        return new QuantizedMatrix
        {
            Outputs = outputs,
            Inputs = inputs,
            Bits = bits,
            Codes = codes,
            Scales = [.. Enumerable.Range(0, outputs * groups).Select(_ => random.NextSingle() * 0.1f)],
            Zeros = asymmetric ? zeros : null,
            GroupSize = size,
            GroupOf = reordered ? of : null,
        };
    }
}
