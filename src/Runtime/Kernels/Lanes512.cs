using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Sixteen lanes (AVX-512).</summary>
internal readonly unsafe struct Lanes512 : ILanes<Lanes512>
{
    private readonly Vector512<float> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes512(Vector512<float> v) => _v = v;

    public static bool IsSupported => Avx512F.IsSupported && Avx512BW.IsSupported && Vector512.IsHardwareAccelerated;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512<float>.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Splat(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(float* p) => new(Vector512.Load(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Bits(uint* p) => new(Vector512.Load(p).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Bytes(sbyte* p) => new(Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load(p))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes512 v, float* p) => v._v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Add(Lanes512 a, Lanes512 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Subtract(Lanes512 a, Lanes512 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Multiply(Lanes512 a, Lanes512 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Divide(Lanes512 a, Lanes512 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Max(Lanes512 a, Lanes512 b) => new(Vector512.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Exp(Lanes512 a) => new(Vector512.Exp(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAdd(Lanes512 a, Lanes512 b, Lanes512 c) => new(Vector512.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes512 v) => Vector512.Sum(v._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Even(Lanes512 bits) => new((bits._v.AsUInt32() << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Odd(Lanes512 bits) => new((bits._v.AsUInt32() & Vector512.Create(0xFFFF0000u)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Halves(ushort* p) => new(Avx512F.ConvertToVector512Int32(Vector256.Load(p)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Codes(Lanes512 bits) =>
        new(Vector512.ConvertToSingle((bits._v.AsUInt32() & Vector512.Create(15u)).AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 PairCodes(Lanes512 bits, int nibble)
    {
        var halves = bits._v.AsUInt16();
        if (nibble == 3) return new((halves >>> 12).AsSingle());
        return new(((nibble == 0 ? halves : halves >>> (4 * nibble)) & Vector512.Create((ushort)15)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 FirstInteger(int value) => new(Vector512.CreateScalar(value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 AddIntegers(Lanes512 a, Lanes512 b) => new((a._v.AsInt32() + b._v.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 NextCodes(Lanes512 bits) => new((bits._v.AsUInt32() >>> 4).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Pairs(sbyte* p) => new(Avx512BW.ConvertToVector512Int16(Vector256.Load(p)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyPairs(Lanes512 a, Lanes512 b, Lanes512 sums) =>
        new((Avx512BW.MultiplyAddAdjacent(a._v.AsInt16(), b._v.AsInt16()) + sums._v.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ByteCodes(Lanes512 bits) => new((bits._v.AsByte() & Vector512.Create((byte)15)).AsSingle());

    // 16-bit sums: a product is at most 15 times 127, and eight pairs of them meet in one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyBytes(Lanes512 codes, Lanes512 bytes, Lanes512 sums) =>
        new((Avx512BW.MultiplyAddAdjacent(codes._v.AsByte(), bytes._v.AsSByte()) + sums._v.AsInt16()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 AddProducts(Lanes512 sums, Lanes512 integers) =>
        new((Avx512BW.MultiplyAddAdjacent(sums._v.AsInt16(), Vector512<short>.One) + integers._v.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ToSingle(Lanes512 integers) => new(Vector512.ConvertToSingle(integers._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Round(Lanes512 v) => new(Vector512.Round(v._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePairs(Lanes512 v, short* p) =>
        Avx512F.ConvertToVector256Int16(Vector512.ConvertToInt32(v._v)).Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 EvenElements(Lanes512 a, Lanes512 b) =>
        new(Avx512F.PermuteVar16x32x2(a._v, Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 OddElements(Lanes512 a, Lanes512 b) =>
        new(Avx512F.PermuteVar16x32x2(a._v, Vector512.Create(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes512 v, ushort* p)
    {
        var bits = v._v.AsUInt32();
        var rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
        rounded = Vector512.ConditionalSelect(Vector512.Equals(v._v, v._v).AsUInt32(), rounded, Vector512.Create(0x7FC0u)); // NaN
        Avx512F.ConvertToVector256UInt16(rounded).Store(p);
    }
}
