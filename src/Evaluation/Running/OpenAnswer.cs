using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>The answer that comes of a prompt, open until its last token. Conditions that leave the same prompt share it.</summary>
/// <param name="cache">The prompt's keys and values; disposed with the last token.</param>
/// <param name="logits">Of the last token, [vocabulary]; every step writes its own over them.</param>
/// <param name="position">Position of the answer's first token.</param>
/// <param name="most">Most tokens.</param>
internal sealed class OpenAnswer(KvCache cache, float[] logits, long position, int most)
{
    /// <summary>The prompt's keys and values, and the answer's.</summary>
    public KvCache Cache { get; } = cache;

    /// <summary>Bytes that were allocated for them.</summary>
    public long Bytes { get; } = cache.CapacityBytes;

    /// <summary>What the next token is taken from.</summary>
    public float[] Logits { get; } = logits;

    /// <summary>Position of the answer's first token.</summary>
    public long Position { get; } = position;

    /// <summary>Most tokens.</summary>
    public int Most { get; } = most;

    /// <summary>The tokens so far, without a stop id.</summary>
    public List<int> Ids { get; } = [];

    /// <summary>The text; null while the answer is open.</summary>
    public string? Text { get; set; }
}
