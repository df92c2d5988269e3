using System.Runtime.CompilerServices;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>The product of a few rows with weights of any kind, in two steps: rows are prepared once, then any part
/// of the outputs can be computed.</summary>
internal static unsafe class MatrixKernel
{
    /// <summary>Most rows that the kernels take; more are libtorch's.</summary>
    public const int MaxRows = 16;

    /// <summary>Whether two matrices take the same prepared rows.</summary>
    public static bool SamePreparation(KernelMatrix a, KernelMatrix b) =>
        a.Inputs == b.Inputs && a.Order is null && b.Order is null && !a.NeedsSums && !b.NeedsSums
        && (a.Kind == b.Kind || (a.Kind != KernelMatrixKind.BFloat16 && b.Kind != KernelMatrixKind.BFloat16)) && a.Padded == b.Padded;

    /// <summary>Writes a row of activations in the order that <paramref name="m"/> reads them.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">[inputs].</param>
    /// <param name="to">[<see cref="KernelMatrix.PreparedLength"/>].</param>
    public static void Prepare<T>(KernelMatrix m, float* x, float* to)
        where T : struct, ILanes<T>
    {
        if (m.Kind == KernelMatrixKind.BFloat16)
        {
            DenseKernel.Interleave<T>(x, to, m.Inputs);
            return;
        }

        if (m.Order is null)
        {
            Unsafe.CopyBlockUnaligned(to, x, (uint)m.Inputs * 4);
            new Span<float>(to + m.Inputs, m.Padded - m.Inputs).Clear();
        }
        else
        {
            for (var i = 0; i < m.Padded; i++) to[i] = m.Order[i] < 0 ? 0 : x[m.Order[i]];
        }

        if (!m.NeedsSums) return;
        for (var g = 0; g < m.Groups; g++)
        {
            float sum = 0;
            for (var i = g * m.GroupSize; i < Math.Min((g + 1) * m.GroupSize, m.Padded); i++) sum += to[i];
            to[m.Padded + g] = sum;
        }
    }

    /// <summary>Outputs <paramref name="from"/> to <paramref name="to"/> (exclusive) of every row, with the bias.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">One prepared row per pointer.</param>
    /// <param name="rows">Rows, at most <see cref="MaxRows"/>.</param>
    /// <param name="y">One row of all outputs per pointer.</param>
    /// <param name="from">First output.</param>
    /// <param name="to">End of the outputs.</param>
    public static void Multiply<T>(KernelMatrix m, float** x, int rows, float** y, int from, int to)
        where T : struct, ILanes<T>
    {
        if (from >= to) return;
        switch (m.Kind)
        {
            case KernelMatrixKind.BFloat16: DenseKernel.BFloat16<T>((ushort*)m.Data, m.Inputs, x, rows, y, from, to); break;
            case KernelMatrixKind.Float32: DenseKernel.Float32<T>((float*)m.Data, m.Inputs, x, rows, y, from, to); break;
            case KernelMatrixKind.Int8: Int8Kernel.Multiply<T>(m, x, rows, y, from, to); break;
            default: Int4Kernel.Multiply<T>(m, x, rows, y, from, to); break;
        }

        if (m.Bias is null) return;
        for (var b = 0; b < rows; b++)
        {
            if (m.BiasIsBFloat16)
            {
                for (var r = from; r < to; r++) y[b][r] += BFloat16Bits.ToFloat(((ushort*)m.Bias)[r]);
            }
            else
            {
                for (var r = from; r < to; r++) y[b][r] += ((float*)m.Bias)[r];
            }
        }
    }
}
