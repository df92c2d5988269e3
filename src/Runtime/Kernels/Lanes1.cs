namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>One lane: plain arithmetic for processors without vectors, and the kernels' simplest form to test the others by.</summary>
internal readonly unsafe struct Lanes1 : ILanes<Lanes1>
{
    private readonly float _v;

    private Lanes1(float v) => _v = v;

    public static bool IsSupported => true;

    public static int Count => 1;

    public static Lanes1 Splat(float value) => new(value);

    public static Lanes1 Load(float* p) => new(*p);

    public static Lanes1 Bits(uint* p) => new(BitConverter.UInt32BitsToSingle(*p));

    public static Lanes1 Bytes(sbyte* p) => new(*p);

    public static void Store(Lanes1 v, float* p) => *p = v._v;

    public static Lanes1 Add(Lanes1 a, Lanes1 b) => new(a._v + b._v);

    public static Lanes1 Subtract(Lanes1 a, Lanes1 b) => new(a._v - b._v);

    public static Lanes1 Multiply(Lanes1 a, Lanes1 b) => new(a._v * b._v);

    public static Lanes1 Divide(Lanes1 a, Lanes1 b) => new(a._v / b._v);

    public static Lanes1 Max(Lanes1 a, Lanes1 b) => new(Math.Max(a._v, b._v));

    public static Lanes1 Exp(Lanes1 a) => new(MathF.Exp(a._v));

    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) => new(a._v * b._v + c._v);

    public static float Sum(Lanes1 v) => v._v;

    public static Lanes1 Even(Lanes1 bits) => new(BitConverter.UInt32BitsToSingle(Raw(bits) << 16));

    public static Lanes1 Odd(Lanes1 bits) => new(BitConverter.UInt32BitsToSingle(Raw(bits) & 0xFFFF0000u));

    public static Lanes1 Halves(ushort* p) => new(BitConverter.UInt32BitsToSingle(*p));

    public static Lanes1 Codes(Lanes1 bits) => new(Raw(bits) & 15);

    public static Lanes1 PairCodes(Lanes1 bits, int nibble) =>
        new(BitConverter.UInt32BitsToSingle((Raw(bits) >> (4 * nibble)) & 0x000F000F));

    public static Lanes1 FirstInteger(int value) => new(BitConverter.Int32BitsToSingle(value));

    public static Lanes1 AddIntegers(Lanes1 a, Lanes1 b) => new(BitConverter.UInt32BitsToSingle(Raw(a) + Raw(b)));

    public static Lanes1 NextCodes(Lanes1 bits) => new(BitConverter.UInt32BitsToSingle(Raw(bits) >> 4));

    public static Lanes1 Pairs(sbyte* p) => new(BitConverter.Int32BitsToSingle((p[1] << 16) + (p[0] & 0xFFFF)));

    public static Lanes1 MultiplyPairs(Lanes1 a, Lanes1 b, Lanes1 sums)
    {
        var (x, y) = (Raw(a), Raw(b));
        return new(BitConverter.Int32BitsToSingle(
            (short)x * (short)y + (short)(x >> 16) * (short)(y >> 16) + BitConverter.SingleToInt32Bits(sums._v)));
    }

    public static Lanes1 ByteCodes(Lanes1 bits) => new(BitConverter.UInt32BitsToSingle(Raw(bits) & 0x0F0F0F0F));

    // 32-bit sums: one lane adds a whole chunk.
    public static Lanes1 MultiplyBytes(Lanes1 codes, Lanes1 bytes, Lanes1 sums)
    {
        var (x, y, sum) = (Raw(codes), Raw(bytes), BitConverter.SingleToInt32Bits(sums._v));
        for (var i = 0; i < 32; i += 8) sum += (byte)(x >> i) * (sbyte)(y >> i);
        return new(BitConverter.Int32BitsToSingle(sum));
    }

    public static Lanes1 AddProducts(Lanes1 sums, Lanes1 integers) => AddIntegers(sums, integers);

    public static Lanes1 ToSingle(Lanes1 integers) => new(BitConverter.SingleToInt32Bits(integers._v));

    public static Lanes1 Round(Lanes1 v) => new(MathF.Round(v._v));

    public static void StorePairs(Lanes1 v, short* p) => *p = (short)v._v;

    private static uint Raw(Lanes1 v) => BitConverter.SingleToUInt32Bits(v._v);

    public static Lanes1 EvenElements(Lanes1 a, Lanes1 b) => a;

    public static Lanes1 OddElements(Lanes1 a, Lanes1 b) => b;

    public static void StoreBFloat16(Lanes1 v, ushort* p) => *p = BFloat16Bits.Round(v._v);
}
