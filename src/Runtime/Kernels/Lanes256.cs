using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Eight lanes (AVX2 with FMA).</summary>
internal readonly unsafe struct Lanes256 : ILanes<Lanes256>
{
    private readonly Vector256<float> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes256(Vector256<float> v) => _v = v;

    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256<float>.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Splat(float value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(float* p) => new(Vector256.Load(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Bits(uint* p) => new(Vector256.Load(p).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Bytes(sbyte* p) => new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(p)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes256 v, float* p) => v._v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Add(Lanes256 a, Lanes256 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Subtract(Lanes256 a, Lanes256 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Multiply(Lanes256 a, Lanes256 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Divide(Lanes256 a, Lanes256 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Max(Lanes256 a, Lanes256 b) => new(Vector256.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Exp(Lanes256 a) => new(Vector256.Exp(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c) => new(Vector256.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes256 v) => Vector256.Sum(v._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Even(Lanes256 bits) => new((bits._v.AsUInt32() << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Odd(Lanes256 bits) => new((bits._v.AsUInt32() & Vector256.Create(0xFFFF0000u)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Halves(ushort* p) => new(Avx2.ConvertToVector256Int32(p).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Codes(Lanes256 bits) =>
        new(Vector256.ConvertToSingle((bits._v.AsUInt32() & Vector256.Create(15u)).AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 PairCodes(Lanes256 bits, int nibble)
    {
        var halves = bits._v.AsUInt16();
        if (nibble == 3) return new((halves >>> 12).AsSingle());
        return new(((nibble == 0 ? halves : halves >>> (4 * nibble)) & Vector256.Create((ushort)15)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 FirstInteger(int value) => new(Vector256.CreateScalar(value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AddIntegers(Lanes256 a, Lanes256 b) => new((a._v.AsInt32() + b._v.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 NextCodes(Lanes256 bits) => new((bits._v.AsUInt32() >>> 4).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Pairs(sbyte* p) => new(Avx2.ConvertToVector256Int16(p).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyPairs(Lanes256 a, Lanes256 b, Lanes256 sums) =>
        new((Avx2.MultiplyAddAdjacent(a._v.AsInt16(), b._v.AsInt16()) + sums._v.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ByteCodes(Lanes256 bits) => new((bits._v.AsByte() & Vector256.Create((byte)15)).AsSingle());

    // 16-bit sums: a product is at most 15 times 127, and eight pairs of them meet in one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyBytes(Lanes256 codes, Lanes256 bytes, Lanes256 sums) =>
        new((Avx2.MultiplyAddAdjacent(codes._v.AsByte(), bytes._v.AsSByte()) + sums._v.AsInt16()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AddProducts(Lanes256 sums, Lanes256 integers) =>
        new((Avx2.MultiplyAddAdjacent(sums._v.AsInt16(), Vector256<short>.One) + integers._v.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ToSingle(Lanes256 integers) => new(Vector256.ConvertToSingle(integers._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Round(Lanes256 v) => new(Vector256.Round(v._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePairs(Lanes256 v, short* p)
    {
        var integers = Vector256.ConvertToInt32(v._v);
        Vector128.Narrow(integers.GetLower(), integers.GetUpper()).Store(p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 EvenElements(Lanes256 a, Lanes256 b) =>
        new(Avx2.Permute4x64(Avx.Shuffle(a._v, b._v, 0x88).AsDouble(), 0xD8).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 OddElements(Lanes256 a, Lanes256 b) =>
        new(Avx2.Permute4x64(Avx.Shuffle(a._v, b._v, 0xDD).AsDouble(), 0xD8).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes256 v, ushort* p)
    {
        var bits = v._v.AsUInt32();
        var rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >>> 16) & Vector256<uint>.One)) >>> 16;
        rounded = Vector256.ConditionalSelect(Vector256.Equals(v._v, v._v).AsUInt32(), rounded, Vector256.Create(0x7FC0u)); // NaN
        Vector128.Narrow(rounded.GetLower(), rounded.GetUpper()).Store(p);
    }
}
