using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Runtime;

/// <summary>Why generation ended.</summary>
public enum GenerationFinishReason
{
    /// <summary>A stop id or stop sequence.</summary>
    Stop,

    /// <summary>The token limit or the context's end.</summary>
    Length,
}

/// <summary>Everything about a finished answer.</summary>
public sealed record GenerationResult
{
    /// <summary>The whole text.</summary>
    public required string Text { get; init; }

    /// <summary>Generated ids, a final stop id included.</summary>
    public required IReadOnlyList<int> TokenIds { get; init; }

    /// <summary>Why it ended.</summary>
    public required GenerationFinishReason FinishReason { get; init; }

    /// <summary>The prompt's side of it.</summary>
    public required PrefillSummary Prefill { get; init; }

    /// <summary>Time of all decode steps.</summary>
    public TimeSpan DecodeTime { get; init; }
}

/// <summary>What happened up to the first token.</summary>
public sealed record PrefillSummary
{
    /// <summary>Prompt tokens before pruning, visual tokens included.</summary>
    public required int PromptTokens { get; init; }

    /// <summary>Prompt tokens that the layers from K on saw.</summary>
    public required int PromptTokensKept { get; init; }

    /// <summary>Visual tokens before pruning (separators not counted).</summary>
    public int VisualTokens => Images.Sum(i => i.VisualTokens);

    /// <summary>Visual tokens kept (separators not counted).</summary>
    public int VisualTokensKept => Images.Sum(i => i.Kept.Length);

    /// <summary>Prompt tokens whose first layers were taken over from an earlier request instead of computed.</summary>
    public int CachedTokens { get; init; }

    /// <summary>How they were taken over; null when none were.</summary>
    public PrefixReuse? Reused { get; init; }

    /// <summary>Frozen reuse: zero-based index of the turn whose question chose the visual tokens.</summary>
    public int? ReusedTurn { get; init; }

    /// <summary>Per image, in order of appearance.</summary>
    public IReadOnlyList<ImagePruning> Images { get; init; } = [];

    /// <summary>Settings that were in force; null when nothing was pruned.</summary>
    public PruningSettings? Pruning { get; init; }

    /// <summary>Identity of the prior that was used, or <c>uniform</c>, or null where the method reads none.</summary>
    public string? Prior { get; init; }

    /// <summary>Bytes of keys and values held after prefill (lengths in use, not capacity).</summary>
    public long KvBytes { get; init; }

    /// <summary>Bytes of keys and values that the unpruned prompt would hold.</summary>
    public long KvBytesUnpruned { get; init; }

    /// <summary>Time spent waiting for the engine.</summary>
    public TimeSpan QueueTime { get; init; }

    /// <summary>Decoding images, resizing, tokenizing.</summary>
    public TimeSpan PreprocessTime { get; init; }

    /// <summary>Vision tower and projector.</summary>
    public TimeSpan VisionTime { get; init; }

    /// <summary>All decoder layers over the prompt, pruning included.</summary>
    public TimeSpan PrefillTime { get; init; }

    /// <summary>The part of the prefill spent on pruning.</summary>
    public TimeSpan PruneTime { get; init; }
}

/// <summary>One image's pruning.</summary>
public sealed record ImagePruning
{
    /// <summary>Zero-based index of the image in the request.</summary>
    public required int ImageIndex { get; init; }

    /// <summary>V.</summary>
    public required int VisualTokens { get; init; }

    /// <summary>Kept candidates as layout indices, ascending.</summary>
    public required int[] Kept { get; init; }

    /// <summary>The image's layout in the prompt.</summary>
    public required VisualTokenLayout Layout { get; init; }

    /// <summary>Grid cells and model coordinates back to the original image.</summary>
    public required CoordinateMap Map { get; init; }

    /// <summary>Original width in pixels, after EXIF orientation.</summary>
    public required int Width { get; init; }

    /// <summary>Original height in pixels, after EXIF orientation.</summary>
    public required int Height { get; init; }

    /// <summary>What the selection saw and did.</summary>
    public SelectionStatistics Statistics { get; init; } = SelectionStatistics.Empty;

    /// <summary>Attention of the last prompt token to each candidate, [V], when scores were asked for.</summary>
    public float[]? Attention { get; init; }

    /// <summary>Resized prior, [V], when scores were asked for and a prior exists.</summary>
    public float[]? PriorMap { get; init; }
}
