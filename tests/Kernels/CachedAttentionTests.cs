using D2Pruner.AI.Runtime.Kernels;
using Xunit;

namespace D2Pruner.AI.Tests.Kernels;

public sealed unsafe class CachedAttentionTests
{
    [Theory]
    [InlineData(1, 64, 1, true)]
    [InlineData(4, 64, 70, true)]
    [InlineData(3, 128, 200, true)]
    [InlineData(2, 16, 33, true)]
    [InlineData(4, 80, 129, false)]
    [InlineData(2, 12, 5, false)]
    public void OnePosition_EqualsFp64_InEveryWidth(int group, int d, int length, bool bfloat16)
    {
        Check<Lanes1>(group, d, length, bfloat16);
        if (Lanes128.IsSupported) Check<Lanes128>(group, d, length, bfloat16);
        if (Lanes256.IsSupported) Check<Lanes256>(group, d, length, bfloat16);
        if (Lanes512.IsSupported) Check<Lanes512>(group, d, length, bfloat16);
    }

    private static void Check<T>(int group, int d, int length, bool bfloat16)
        where T : struct, ILanes<T>
    {
        var random = new Random(length);
        float[] Numbers(int n) =>
            [.. Enumerable.Range(0, n).Select(_ => BFloat16Bits.ToFloat(BFloat16Bits.Round(random.NextSingle() * 4 - 2)))];
        var (q, k, v) = (Numbers(group * d), Numbers(length * d), Numbers(length * d));
        var y = new float[group * d];
        var scratch = new float[CachedAttention.ScratchLength(group, length, d)];
        ushort[] k16 = Array.ConvertAll(k, BFloat16Bits.Round), v16 = Array.ConvertAll(v, BFloat16Bits.Round);
        fixed (float* pq = q, pk = k, pv = v, py = y, ps = scratch)
        fixed (ushort* k2 = k16, v2 = v16)
            CachedAttention.Attend<T>(
                pq, group, d, bfloat16 ? (byte*)k2 : (byte*)pk, bfloat16 ? (byte*)v2 : (byte*)pv, length, bfloat16, py, ps);
        for (var h = 0; h < group; h++)
        {
            var scores = new double[length];
            for (var p = 0; p < length; p++)
            {
                for (var i = 0; i < d; i++) scores[p] += (double)q[h * d + i] * k[p * d + i];
                scores[p] = Math.Exp(scores[p] / Math.Sqrt(d));
            }

            var total = scores.Sum();
            for (var i = 0; i < d; i++)
            {
                double expected = 0;
                for (var p = 0; p < length; p++) expected += scores[p] / total * v[p * d + i];
                Assert.InRange(y[h * d + i], expected - 1e-4, expected + 1e-4);
            }
        }
    }
}
