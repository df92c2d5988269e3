namespace D2Pruner.AI.Runtime;

/// <summary>Compute precision of weights and activations.</summary>
public enum ModelPrecision
{
    /// <summary>The checkpoint's type on CUDA; on CPU Float32 checkpoints stay Float32 and 16-bit ones become BFloat16.</summary>
    Auto,

    /// <summary>32-bit.</summary>
    Float32,

    /// <summary>IEEE half; CUDA only.</summary>
    Float16,

    /// <summary>bfloat16.</summary>
    BFloat16,
}
