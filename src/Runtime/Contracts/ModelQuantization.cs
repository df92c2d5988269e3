namespace D2Pruner.AI.Runtime;

/// <summary>To how many bits the decoder's weights are rounded while a 16- or 32-bit checkpoint loads. Embeddings,
/// norms, the head and the tower stay.</summary>
public enum ModelQuantization
{
    /// <summary>As the checkpoint has them.</summary>
    None,

    /// <summary>8 bits, a scale for each row.</summary>
    Int8,

    /// <summary>4 bits, a scale for each 128 columns of a row.</summary>
    Int4,
}
