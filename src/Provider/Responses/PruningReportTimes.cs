namespace D2Pruner.AI;

/// <summary>Times of one answer, in milliseconds.</summary>
public sealed class PruningReportTimes
{
    /// <summary>Waiting for the engine.</summary>
    public double QueueMs { get; init; }

    /// <summary>Decoding and resizing pictures, tokenizing.</summary>
    public double PreprocessMs { get; init; }

    /// <summary>Vision tower and projector.</summary>
    public double VisionMs { get; init; }

    /// <summary>All decoder layers over the prompt, pruning included.</summary>
    public double PrefillMs { get; init; }

    /// <summary>The part of the prefill spent on pruning.</summary>
    public double PruneMs { get; init; }

    /// <summary>All decode steps.</summary>
    public double DecodeMs { get; init; }
}
