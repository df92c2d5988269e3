namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>One decoder layer as the decode step reads it.</summary>
internal sealed class CpuDecoderLayer
{
    /// <summary>Norm before attention, [D].</summary>
    public required float[] InputNorm { get; init; }

    /// <summary>Norm before the MLP, [D].</summary>
    public required float[] MlpNorm { get; init; }

    /// <summary>Query projection.</summary>
    public required KernelMatrix Query { get; init; }

    /// <summary>Key projection.</summary>
    public required KernelMatrix Key { get; init; }

    /// <summary>Value projection.</summary>
    public required KernelMatrix Value { get; init; }

    /// <summary>Output projection.</summary>
    public required KernelMatrix Output { get; init; }

    /// <summary>Gate.</summary>
    public required KernelMatrix Gate { get; init; }

    /// <summary>Up.</summary>
    public required KernelMatrix Up { get; init; }

    /// <summary>Down.</summary>
    public required KernelMatrix Down { get; init; }
}
