namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>One sequence's part in a decode step. Reused from step to step.</summary>
internal sealed class SequenceRow
{
    /// <summary>The token to feed.</summary>
    public int Token { get; set; }

    /// <summary>Cosines of its position, [d / 2]; multimodal positions are the caller's matter.</summary>
    public required float[] Cos { get; init; }

    /// <summary>Sines of its position, [d / 2].</summary>
    public required float[] Sin { get; init; }

    /// <summary>The cache; grows by one token in every layer.</summary>
    public IKvRows Kv { get; set; } = null!;

    /// <summary>Receives the logits, [vocabulary].</summary>
    public float[] Logits { get; set; } = [];
}
