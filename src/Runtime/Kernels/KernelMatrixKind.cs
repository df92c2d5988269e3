namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>How a <see cref="KernelMatrix"/> stores its weights.</summary>
internal enum KernelMatrixKind
{
    /// <summary>32-bit floats, row by row.</summary>
    Float32,

    /// <summary>bfloat16, row by row.</summary>
    BFloat16,

    /// <summary>Signed bytes with a scale (and a zero point) a group.</summary>
    Int8,

    /// <summary>Four bits with a scale (and a zero point) a group; the order within 128 inputs is the kernel's.</summary>
    Int4,
}
