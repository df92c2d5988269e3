using D2Pruner.AI.Runtime.Kernels;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>How <see cref="Quantizer"/> rounds.</summary>
/// <param name="Bits">4 or 8.</param>
/// <param name="Group">Columns that share a scale; 0 for whole rows.</param>
/// <param name="Symmetric">No zero points.</param>
internal readonly record struct QuantizationRule(int Bits, int Group, bool Symmetric)
{
    /// <summary>8 bits, a scale a row.</summary>
    public static QuantizationRule Int8 { get; } = new(8, 0, true);

    /// <summary>4 bits, a scale for 128 columns.</summary>
    public static QuantizationRule Int4 { get; } = new(4, 128, true);

    /// <summary>The rule of a load; null where nothing is rounded.</summary>
    public static QuantizationRule? Of(ModelQuantization quantization) => quantization switch
    {
        ModelQuantization.Int8 => Int8,
        ModelQuantization.Int4 => Int4,
        _ => null,
    };

    /// <summary>The name of weights rounded so, as kernels hold them or dense: <c>int8</c>, <c>int4-g128</c>.</summary>
    /// <param name="inputs">Columns of a matrix.</param>
    public string NameOf(long inputs) =>
        $"int{Bits}{(Group == 0 || Group >= inputs ? "" : $"-g{Group}")}{(Symmetric ? "" : "-asymmetric")}";
}

/// <summary>Rounds rows to 8 or 4 bits: to nearest, ties to even, with a bfloat16 scale (as the files hold it).</summary>
internal static class Quantizer
{
    /// <summary>Quantizes a group of weights.</summary>
    /// <param name="w">The weights.</param>
    /// <param name="rule">Bits and symmetry.</param>
    /// <param name="codes">Receives unsigned codes.</param>
    /// <returns>Scale and zero point.</returns>
    public static (float Scale, byte Zero) Group(ReadOnlySpan<float> w, QuantizationRule rule, Span<byte> codes)
    {
        var (scale, zero) = Choose(w, rule);
        Round(w, rule, scale, zero, codes);
        return (scale, zero);
    }

    /// <summary>Scale and zero point of a group.</summary>
    public static (float Scale, byte Zero) Choose(ReadOnlySpan<float> w, QuantizationRule rule)
    {
        var (low, high) = (0f, 0f); // zero is always exact
        foreach (var v in w) (low, high) = (Math.Min(low, v), Math.Max(high, v));
        var middle = (byte)(1 << (rule.Bits - 1));
        if (!rule.Symmetric)
        {
            var levels = (1 << rule.Bits) - 1;
            var s = ToScale((high - low) / levels);
            return (s, (byte)Math.Clamp(MathF.Round(-low / s), 0, levels));
        }

        var max = Math.Max(-low, high);
        if (rule.Bits == 8) return (ToScale(max / 127), middle);
        // Codes reach from -8 to 7: the smaller error of fitting 7 or a little more to the largest weight.
        var (narrow, wide) = (ToScale(max / 7), ToScale(max / 7.5f));
        return (SquaredError(w, rule, narrow) <= SquaredError(w, rule, wide) ? narrow : wide, middle);
    }

    /// <summary>Rounds with a given scale and zero point.</summary>
    public static void Round(ReadOnlySpan<float> w, QuantizationRule rule, float scale, byte zero, Span<byte> codes)
    {
        for (var i = 0; i < w.Length; i++) codes[i] = Code(w[i], rule, scale, zero);
    }

    /// <summary>The code of one weight.</summary>
    public static byte Code(float w, QuantizationRule rule, float scale, byte zero)
    {
        var (middle, top) = (1 << (rule.Bits - 1), (1 << rule.Bits) - 1);
        // Eight symmetric bits leave -128 unused.
        var lowest = rule is { Symmetric: true, Bits: 8 } ? middle - 127 : 0;
        return (byte)Math.Clamp(MathF.Round(w / scale, MidpointRounding.ToEven) + zero, lowest, top);
    }

    /// <summary>Quantizes a whole matrix row by row.</summary>
    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Columns.</param>
    /// <param name="rule">How.</param>
    /// <param name="read">Gives a row.</param>
    /// <param name="cancellationToken">Observed between rows.</param>
    public static QuantizedMatrix Matrix(
        int outputs, int inputs, QuantizationRule rule, Action<int, Memory<float>> read, CancellationToken cancellationToken)
    {
        var size = rule.Group > 0 ? Math.Min(rule.Group, inputs) : inputs;
        var groups = (inputs + size - 1) / size;
        var codes = new byte[checked(outputs * inputs)];
        var scales = new float[outputs * groups];
        var zeros = rule.Symmetric ? null : new byte[outputs * groups];
        Parallel.For(0, outputs, new ParallelOptions { CancellationToken = cancellationToken }, () => new float[inputs], (r, _, row) =>
        {
            read(r, row);
            for (var g = 0; g < groups; g++)
            {
                var (start, length) = (g * size, Math.Min(size, inputs - g * size));
                var (scale, zero) = Group(row.AsSpan(start, length), rule, codes.AsSpan(r * inputs + start, length));
                scales[r * groups + g] = scale;
                if (zeros is not null) zeros[r * groups + g] = zero;
            }

            return row;
        }, _ => { });
        return new QuantizedMatrix { Outputs = outputs, Inputs = inputs, Bits = rule.Bits, Codes = codes, Scales = scales, Zeros = zeros,
            GroupSize = size };
    }

    // A group of zeros gets the scale one.
    private static float ToScale(float value)
    {
        var rounded = BFloat16Bits.ToFloat(BFloat16Bits.Round(value));
        return rounded > 0 ? rounded : 1;
    }

    private static double SquaredError(ReadOnlySpan<float> w, QuantizationRule rule, float scale)
    {
        var middle = (byte)(1 << (rule.Bits - 1));
        double sum = 0;
        foreach (var v in w)
        {
            var error = (Code(v, rule, scale, middle) - middle) * scale - v;
            sum += error * error;
        }

        return sum;
    }
}
