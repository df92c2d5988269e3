using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Four lanes (NEON, SSE).</summary>
internal readonly unsafe struct Lanes128 : ILanes<Lanes128>
{
    private readonly Vector128<float> _v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes128(Vector128<float> v) => _v = v;

    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128<float>.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Splat(float value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(float* p) => new(Vector128.Load(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Bits(uint* p) => new(Vector128.Load(p).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Bytes(sbyte* p) =>
        new(Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(int*)p).AsSByte()))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes128 v, float* p) => v._v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Add(Lanes128 a, Lanes128 b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Subtract(Lanes128 a, Lanes128 b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Multiply(Lanes128 a, Lanes128 b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Divide(Lanes128 a, Lanes128 b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Max(Lanes128 a, Lanes128 b) => new(Vector128.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Exp(Lanes128 a) => new(Vector128.Exp(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAdd(Lanes128 a, Lanes128 b, Lanes128 c) => new(Vector128.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Lanes128 v) => Vector128.Sum(v._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Even(Lanes128 bits) => new((bits._v.AsUInt32() << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Odd(Lanes128 bits) => new((bits._v.AsUInt32() & Vector128.Create(0xFFFF0000u)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Halves(ushort* p) => new(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)p).AsUInt16()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Codes(Lanes128 bits) =>
        new(Vector128.ConvertToSingle((bits._v.AsUInt32() & Vector128.Create(15u)).AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 PairCodes(Lanes128 bits, int nibble)
    {
        var halves = bits._v.AsUInt16();
        if (nibble == 3) return new((halves >>> 12).AsSingle());
        return new(((nibble == 0 ? halves : halves >>> (4 * nibble)) & Vector128.Create((ushort)15)).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 FirstInteger(int value) => new(Vector128.CreateScalar(value).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 AddIntegers(Lanes128 a, Lanes128 b) => new((a._v.AsInt32() + b._v.AsInt32()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 NextCodes(Lanes128 bits) => new((bits._v.AsUInt32() >>> 4).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Pairs(sbyte* p) => new(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)p).AsSByte()).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyPairs(Lanes128 a, Lanes128 b, Lanes128 sums)
    {
        Vector128<short> x = a._v.AsInt16(), y = b._v.AsInt16();
        var sum = sums._v.AsInt32();
        if (Sse2.IsSupported) return new((Sse2.MultiplyAddAdjacent(x, y) + sum).AsSingle());
        if (AdvSimd.IsSupported)
        {
            var lower = AdvSimd.MultiplyWideningLowerAndAdd(sum, x.GetLower(), y.GetLower());
            return new(AdvSimd.MultiplyWideningUpperAndAdd(lower, x, y).AsSingle());
        }

        var (p, q) = (Vector128.WidenLower(x) * Vector128.WidenLower(y), Vector128.WidenUpper(x) * Vector128.WidenUpper(y));
        return new((p + q + sum).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ByteCodes(Lanes128 bits) => new((bits._v.AsByte() & Vector128.Create((byte)15)).AsSingle());

    // 16-bit sums: a product is at most 15 times 127, and eight pairs of them meet in one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyBytes(Lanes128 codes, Lanes128 bytes, Lanes128 sums)
    {
        Vector128<sbyte> x = codes._v.AsSByte(), y = bytes._v.AsSByte();
        var sum = sums._v.AsInt16();
        if (Ssse3.IsSupported) return new((Ssse3.MultiplyAddAdjacent(x.AsByte(), y) + sum).AsSingle());
        if (AdvSimd.IsSupported)
        {
            var lower = AdvSimd.MultiplyWideningLowerAndAdd(sum, x.GetLower(), y.GetLower());
            return new(AdvSimd.MultiplyWideningUpperAndAdd(lower, x, y).AsSingle());
        }

        var (p, q) = (Vector128.WidenLower(x) * Vector128.WidenLower(y), Vector128.WidenUpper(x) * Vector128.WidenUpper(y));
        return new((p + q + sum).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 AddProducts(Lanes128 sums, Lanes128 integers)
    {
        var x = sums._v.AsInt16();
        return new((Vector128.WidenLower(x) + Vector128.WidenUpper(x) + integers._v.AsInt32()).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ToSingle(Lanes128 integers) => new(Vector128.ConvertToSingle(integers._v.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Round(Lanes128 v) => new(Vector128.Round(v._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePairs(Lanes128 v, short* p)
    {
        var integers = Vector128.ConvertToInt32(v._v);
        Vector128.Narrow(integers, integers).GetLower().Store(p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 EvenElements(Lanes128 a, Lanes128 b) => new(Vector128.Create(a._v[0], a._v[2], b._v[0], b._v[2]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 OddElements(Lanes128 a, Lanes128 b) => new(Vector128.Create(a._v[1], a._v[3], b._v[1], b._v[3]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBFloat16(Lanes128 v, ushort* p)
    {
        var bits = v._v.AsUInt32();
        var rounded = (bits + Vector128.Create(0x7FFFu) + ((bits >>> 16) & Vector128<uint>.One)) >>> 16;
        rounded = Vector128.ConditionalSelect(Vector128.Equals(v._v, v._v).AsUInt32(), rounded, Vector128.Create(0x7FC0u)); // NaN
        Vector128.Narrow(rounded, rounded).GetLower().Store(p);
    }
}
