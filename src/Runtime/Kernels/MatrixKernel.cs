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
        a.Inputs == b.Inputs && a.Order is null && b.Order is null
        && (a.IsQuantized && b.IsQuantized
            ? (a.Segment, a.ActivationBits, a.NeedsSums, a.IsSymmetric) == (b.Segment, b.ActivationBits, b.NeedsSums, b.IsSymmetric)
            : a.Kind == b.Kind);

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

        if (m.IsQuantized) ActivationRow.Prepare<T>(m, x, to);
        else Unsafe.CopyBlockUnaligned(to, x, (uint)m.Inputs * 4);
    }

    /// <summary>As <see cref="Prepare{T}(KernelMatrix, float*, float*)"/>, from a row in bfloat16.</summary>
    /// <param name="m">The weights.</param>
    /// <param name="x">[inputs] bfloat16.</param>
    /// <param name="to">[<see cref="KernelMatrix.PreparedLength"/>].</param>
    /// <param name="plain">Room for [inputs].</param>
    public static void Prepare<T>(KernelMatrix m, ushort* x, float* to, float* plain)
        where T : struct, ILanes<T>
    {
        if (m.Kind == KernelMatrixKind.BFloat16)
        {
            DenseKernel.Interleave<T>(x, to, m.Inputs);
            return;
        }

        for (var i = 0; i < m.Inputs; i++) plain[i] = BFloat16Bits.ToFloat(x[i]);
        Prepare<T>(m, plain, to);
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
            default: QuantizedKernel.Multiply<T>(m, x, rows, y, from, to); break;
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
