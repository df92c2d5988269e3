using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>
/// y = W x for one row and large bf16 weights on CPU: decoding reads every weight once a token, and libtorch's own product reaches only
/// about half of the memory's bandwidth. Products and sums are fp32; the result is rounded to bf16 as libtorch's is.
/// </summary>
internal static unsafe class BFloat16MatVec
{
    // Below this the call is not worth its overhead, and the weights stay in the caches anyway.
    private const long MinElements = 1 << 20;

    /// <summary>Whether the processor has what the kernel needs; settable so that tests can compare.</summary>
    internal static bool Enabled { get; set; } = Vector512.IsHardwareAccelerated || Vector256.IsHardwareAccelerated;

    /// <summary>Whether <see cref="Multiply"/> applies: one row of bf16 on CPU, no gradient, no bias, large weights.</summary>
    public static bool Applies(Tensor x, Tensor weight) =>
        Enabled && weight.dtype == ScalarType.BFloat16 && x.dtype == ScalarType.BFloat16 && weight.NumberOfElements >= MinElements && weight.device_type == DeviceType.CPU
        && x.NumberOfElements == weight.shape[1] && weight.shape[1] % 32 == 0 && !is_grad_enabled() && weight.is_contiguous() && x.is_contiguous();

    /// <summary>x W^T.</summary>
    /// <param name="x">[..., inputs] with one row.</param>
    /// <param name="weight">[outputs, inputs], contiguous.</param>
    /// <returns>[..., outputs].</returns>
    public static Tensor Multiply(Tensor x, Tensor weight)
    {
        var (outputs, inputs) = ((int)weight.shape[0], (int)weight.shape[1]);
        var shape = x.shape;
        shape[^1] = outputs;
        var result = empty(shape, ScalarType.BFloat16);
        fixed (byte* w = weight.bytes, v = x.bytes, y = result.bytes)
        {
            var (weights, vector, target) = ((nint)w, (nint)v, (nint)y);
            var threads = Math.Min(get_num_threads(), Environment.ProcessorCount);
            var part = (outputs + threads - 1) / threads;
            if (threads == 1) Rows(weights, vector, target, 0, outputs, inputs);
            else Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, t => Rows(weights, vector, target, Math.Min(t * part, outputs), Math.Min((t + 1) * part, outputs), inputs));
        }

        return result;
    }

    private static void Rows(nint weights, nint vector, nint target, int from, int to, int inputs)
    {
        var w = (uint*)weights;
        var x = (uint*)vector;
        var y = (ushort*)target;
        var row = from;
        for (; row + 4 <= to; row += 4) Four(w + (long)row * inputs / 2, inputs / 2, x, y + row);
        for (; row < to; row++) y[row] = Round(One(w + (long)row * inputs / 2, inputs / 2, x));
    }

    // A 32-bit lane holds two bf16: shifted left it is the float of the even one, its upper half that of the odd one. Four rows share x's conversion.
    private static void Four(uint* w, int pairs, uint* x, ushort* y)
    {
        uint* a = w, b = w + pairs, c = w + 2 * pairs, d = w + 3 * pairs;
        var high = Vector512.Create(0xFFFF0000u);
        var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        for (var i = 0; i < pairs; i += Vector512<uint>.Count)
        {
            var v = Vector512.Load(x + i);
            var (even, odd) = ((v << 16).AsSingle(), (v & high).AsSingle());
            s0 = Step(Vector512.Load(a + i), even, odd, high, s0);
            s1 = Step(Vector512.Load(b + i), even, odd, high, s1);
            s2 = Step(Vector512.Load(c + i), even, odd, high, s2);
            s3 = Step(Vector512.Load(d + i), even, odd, high, s3);
        }

        y[0] = Round(Vector512.Sum(s0));
        y[1] = Round(Vector512.Sum(s1));
        y[2] = Round(Vector512.Sum(s2));
        y[3] = Round(Vector512.Sum(s3));
    }

    private static float One(uint* w, int pairs, uint* x)
    {
        var high = Vector512.Create(0xFFFF0000u);
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < pairs; i += Vector512<uint>.Count)
        {
            var v = Vector512.Load(x + i);
            sum = Step(Vector512.Load(w + i), (v << 16).AsSingle(), (v & high).AsSingle(), high, sum);
        }

        return Vector512.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Step(Vector512<uint> pair, Vector512<float> even, Vector512<float> odd, Vector512<uint> high, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd((pair & high).AsSingle(), odd, Vector512.FusedMultiplyAdd((pair << 16).AsSingle(), even, sum));

    private static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
