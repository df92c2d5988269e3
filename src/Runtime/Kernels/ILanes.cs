namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// A vector of fp32 lanes: the kernels are written once over it and compiled for each width. Every width sums in an order of its own, but
/// always in the same one, so that a row's result depends on neither the number of rows nor the number of threads.
/// </summary>
/// <typeparam name="T">The implementing structure.</typeparam>
internal unsafe interface ILanes<T>
    where T : struct, ILanes<T>
{
    /// <summary>Whether the processor has instructions of this width.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>Lanes: a power of two, at most 16.</summary>
    static abstract int Count { get; }

    static abstract T Splat(float value);

    static abstract T Load(float* p);

    /// <summary>The bits of <see cref="Count"/> 32-bit words.</summary>
    static abstract T Bits(uint* p);

    /// <summary><see cref="Count"/> signed bytes as numbers.</summary>
    static abstract T Bytes(sbyte* p);

    static abstract void Store(T v, float* p);

    static abstract T Add(T a, T b);

    static abstract T Subtract(T a, T b);

    static abstract T Multiply(T a, T b);

    static abstract T Divide(T a, T b);

    static abstract T Max(T a, T b);

    static abstract T Exp(T a);

    /// <summary>a b + c, in one rounding where the processor has it.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    static abstract float Sum(T v);

    /// <summary>The float of each word's lower bfloat16 (the even element).</summary>
    static abstract T Even(T bits);

    /// <summary>The float of each word's upper bfloat16 (the odd element).</summary>
    static abstract T Odd(T bits);

    /// <summary><see cref="Count"/> unsigned 16-bit numbers as words.</summary>
    static abstract T Halves(ushort* p);

    /// <summary>The lowest four bits of each word as numbers.</summary>
    static abstract T Codes(T bits);

    /// <summary>Four bits of each half of a word as 16-bit integers: the lowest for nibble 0, the highest for 3 (a constant).</summary>
    static abstract T PairCodes(T bits, int nibble);

    /// <summary>A 32-bit integer in one lane, zeros in the others.</summary>
    static abstract T FirstInteger(int value);

    /// <summary>Sums of 32-bit integers.</summary>
    static abstract T AddIntegers(T a, T b);

    /// <summary>Each word shifted right by four bits.</summary>
    static abstract T NextCodes(T bits);

    /// <summary>Twice <see cref="Count"/> signed bytes as 16-bit integers.</summary>
    static abstract T Pairs(sbyte* p);

    /// <summary>Products of 16-bit integers, added in pairs to 32-bit sums. Which two make a pair is the width's affair.</summary>
    static abstract T MultiplyPairs(T a, T b, T sums);

    /// <summary>The lowest four bits of each byte.</summary>
    static abstract T ByteCodes(T bits);

    /// <summary>Products of codes (bytes of 0 to 15) and signed bytes (-127 to 127), added to sums whose form is the width's affair and
    /// which hold <see cref="KernelMatrix.Chunk"/> of them; they begin as zero.</summary>
    static abstract T MultiplyBytes(T codes, T bytes, T sums);

    /// <summary>Adds what <see cref="MultiplyBytes"/> summed to 32-bit integers.</summary>
    static abstract T AddProducts(T sums, T integers);

    /// <summary>32-bit integers as numbers.</summary>
    static abstract T ToSingle(T integers);

    /// <summary>Each number rounded to the nearest whole one, ties to even.</summary>
    static abstract T Round(T v);

    /// <summary>Stores whole numbers of -32767 to 32767 as 16-bit integers.</summary>
    static abstract void StorePairs(T v, short* p);

    /// <summary>The even elements of a, then those of b.</summary>
    static abstract T EvenElements(T a, T b);

    /// <summary>The odd elements of a, then those of b.</summary>
    static abstract T OddElements(T a, T b);

    /// <summary>Stores numbers as bfloat16, each as <see cref="BFloat16Bits.Round(float)"/> rounds it.</summary>
    static abstract void StoreBFloat16(T v, ushort* p);
}
