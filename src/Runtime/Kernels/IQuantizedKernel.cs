namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>The inner products of one kind of codes, before zero points. Both forms sum in one order,
/// so that a row's results agree.</summary>
internal unsafe interface IQuantizedKernel
{
    /// <summary>Four outputs, <paramref name="apart"/> outputs apart, of one row.</summary>
    static abstract void Four(KernelMatrix m, int row, int apart, float* x, float* y);

    /// <summary>Two outputs of four rows: codes are taken apart once for four products.</summary>
    static abstract void TwoByFour(KernelMatrix m, int row, int apart, float** x, float** y);
}
