using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>
/// Rounding with compensation (GPTQ, Frantar et al. 2022): columns are rounded one after another, and what a column loses is made up for by
/// those still to come, weighted by how the layer's inputs hang together. Scales are those of
/// <see cref="Quantizer"/>, chosen when a group's turn comes.
/// </summary>
internal static class CompensatedRounding
{
    private const double Damping = 0.01;
    private const int Block = 128;

    /// <summary>Rounds a matrix.</summary>
    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Columns.</param>
    /// <param name="rule">Bits, group, symmetry.</param>
    /// <param name="read">Gives a row.</param>
    /// <param name="moment">Sum of X^T X over calibration inputs, [inputs, inputs].</param>
    /// <param name="cancellationToken">Observed between rows.</param>
    public static QuantizedMatrix Matrix(
        int outputs, int inputs, QuantizationRule rule, Action<int, Memory<float>> read, Tensor moment, CancellationToken cancellationToken)
    {
        var size = rule.Group > 0 ? Math.Min(rule.Group, inputs) : inputs;
        var groups = (inputs + size - 1) / size;
        var codes = new byte[checked(outputs * inputs)];
        var scales = new float[outputs * groups];
        var zeros = new byte[outputs * groups];
        var upper = InverseFactor(moment, inputs);
        // Rows do not know of each other: each goes through its columns alone.
        Parallel.For(0, outputs, new ParallelOptions { CancellationToken = cancellationToken },
            () => (Row: new float[inputs], Errors: new float[Block]), (r, _, own) =>
        {
            var (row, errors) = own;
            read(r, row);
            var (scale, zero) = (1f, (byte)0);
            for (var start = 0; start < inputs; start += Block)
            {
                var end = Math.Min(start + Block, inputs);
                for (var i = start; i < end; i++)
                {
                    if (i % size == 0)
                    {
                        (scale, zero) = Quantizer.Choose(row.AsSpan(i, Math.Min(size, inputs - i)), rule);
                        scales[r * groups + i / size] = scale;
                        zeros[r * groups + i / size] = zero;
                    }

                    var code = Quantizer.Code(row[i], rule, scale, zero);
                    codes[r * inputs + i] = code;
                    var error = (row[i] - (code - zero) * scale) / upper[i * inputs + i];
                    errors[i - start] = error;
                    Spread(row, upper.AsSpan(i * inputs), error, i + 1, end);
                }

                // Columns behind the block hear of its errors at once: their memory is touched once a block, not once a column.
                for (var i = start; i < end; i++) Spread(row, upper.AsSpan(i * inputs), errors[i - start], end, inputs);
            }

            return own;
        }, _ => { });
        return new QuantizedMatrix
        {
            Outputs = outputs,
            Inputs = inputs,
            Bits = rule.Bits,
            Codes = codes,
            Scales = scales,
            Zeros = rule.Symmetric ? null : zeros,
            GroupSize = size,
        };
    }

    private static void Spread(float[] row, Span<float> factor, float error, int from, int to) =>
        System.Numerics.Tensors.TensorPrimitives.MultiplyAdd(
            factor[from..to], -error, row.AsSpan(from, to - from), row.AsSpan(from, to - from));

    // The upper Cholesky factor of the damped moment's inverse: its row i says how column i's loss is made up for by the columns behind it.
    private static float[] InverseFactor(Tensor moment, int inputs)
    {
        using var scope = NewDisposeScope();
        var h = moment.to(ScalarType.Float64).clone();
        var diagonal = h.diagonal();
        var mean = diagonal.mean().item<double>();
        using (TorchSharp.Scalar damping = Math.Max(Damping * mean, 1e-12), one = 1) diagonal.add_(damping, one);
        var inverse = linalg.inv(h);
        var factor = linalg.cholesky(inverse).transpose(0, 1).contiguous().to(ScalarType.Float32);
        return [.. factor.data<float>()];
    }
}
