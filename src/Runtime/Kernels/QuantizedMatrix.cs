namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>
/// A quantized matrix taken apart, as every format and our own quantizer give it: w = (q - z) s with a scale and a zero point for each row
/// and group of columns. Codes and zero points are unsigned; a symmetric matrix has the middle of the range
/// (8 or 128) as its zero point everywhere.
/// </summary>
internal sealed class QuantizedMatrix
{
    /// <summary>Rows.</summary>
    public required int Outputs { get; init; }

    /// <summary>Columns.</summary>
    public required int Inputs { get; init; }

    /// <summary>4 or 8.</summary>
    public required int Bits { get; init; }

    /// <summary>[outputs, inputs], a byte a code; bytes of float8 (e4m3fn) where <see cref="Float8"/> is set.</summary>
    public required byte[] Codes { get; init; }

    /// <summary>[outputs, groups].</summary>
    public required float[] Scales { get; init; }

    /// <summary>[outputs, groups], or null where symmetric.</summary>
    public byte[]? Zeros { get; init; }

    /// <summary>Columns of a group (the last one may be shorter).</summary>
    public required int GroupSize { get; init; }

    /// <summary>Group of each column, where it is not column / <see cref="GroupSize"/>.</summary>
    public int[]? GroupOf { get; init; }

    /// <summary>Codes are 8-bit floats.</summary>
    public bool Float8 { get; init; }

    /// <summary>Groups of a row.</summary>
    public int Groups => Scales.Length / Math.Max(1, Outputs);

    /// <summary>One row as exact products: the difference in integers, one multiplication in fp32.</summary>
    public void Row(int row, Span<float> to)
    {
        var codes = Codes.AsSpan(checked((int)((long)row * Inputs)), Inputs);
        var first = row * Groups;
        for (var i = 0; i < Inputs; i++)
        {
            var group = first + (GroupOf is null ? i / GroupSize : GroupOf[i]);
            var code = Float8 ? Float8Values.All[codes[i]] : codes[i] - (Zeros is null ? 1 << (Bits - 1) : Zeros[group]);
            to[i] = code * Scales[group];
        }
    }
}
