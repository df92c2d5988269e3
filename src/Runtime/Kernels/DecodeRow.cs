namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>One sequence's part in a decode step.</summary>
internal sealed class DecodeRow
{
    /// <summary>The token to feed.</summary>
    public required int Token { get; set; }

    /// <summary>Cosines of its position, [d / 2]; multimodal positions are the caller's matter.</summary>
    public required float[] Cos { get; set; }

    /// <summary>Sines of its position, [d / 2].</summary>
    public required float[] Sin { get; set; }

    /// <summary>The cache; grows by one token in every layer.</summary>
    public required IKvRows Kv { get; set; }

    /// <summary>Receives the logits, [vocabulary].</summary>
    public required float[] Logits { get; set; }
}
