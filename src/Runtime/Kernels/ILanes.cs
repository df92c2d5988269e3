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

    /// <summary>What <see cref="Codes"/> needs to give 4-bit codes less their zero point.</summary>
    static abstract T CodeTable(float zero);

    /// <summary>The lowest four bits of each word as numbers, less the zero point.</summary>
    static abstract T Codes(T bits, T table);

    /// <summary>Each word shifted right by four bits.</summary>
    static abstract T NextCodes(T bits);

    /// <summary>The even elements of a, then those of b.</summary>
    static abstract T EvenElements(T a, T b);

    /// <summary>The odd elements of a, then those of b.</summary>
    static abstract T OddElements(T a, T b);

    /// <summary>Stores finite numbers as bfloat16, each rounded to nearest even.</summary>
    static abstract void StoreBFloat16(T v, ushort* p);
}
