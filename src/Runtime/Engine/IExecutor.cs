namespace D2Pruner.AI.Runtime.Engine;

/// <summary>A loaded model as the engine sees it.</summary>
internal interface IExecutor : IDisposable
{
    VisionModelInfo Model { get; }

    /// <summary>Bytes of keys and values that all sequences may hold together.</summary>
    long MaxKvBytes { get; }

    /// <summary>What it holds; may be read from any thread.</summary>
    ExecutorMemory Memory { get; }

    /// <summary>Checks settings that need no image; on the caller's thread, before anything waits.</summary>
    void Validate(VisionRequest request);

    /// <summary>Checks images by their headers: nothing is decoded; on the caller's thread, before anything waits.</summary>
    void CheckImages(VisionRequest request);

    /// <summary>Everything that needs no tensor: images decoded and resized, the prompt, the constraint, the budget. Off the
    /// engine's thread, several at once.</summary>
    PreparedRequest Prepare(VisionRequest request, CancellationToken cancellationToken);

    /// <summary>Reads a prompt, on the engine's thread: sets the sequence's cache, logits, position and summary.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="atBorder">Called between slices; throws when the sequence is no longer wanted.</param>
    /// <param name="waiting">Sequences that are read next, in their order: their images may share a run of the tower.</param>
    void Prefill(Sequence sequence, Action atBorder, IReadOnlyList<Sequence> waiting);

    /// <summary>Within a border: waits until what the last slice launched is computed, so that a clock tells how long it held up
    /// others.</summary>
    /// <param name="sequence">The sequence whose prompt is being read.</param>
    void AwaitSlice(Sequence sequence);

    /// <summary>Feeds each sequence's last id and sets its next logits, on the engine's thread. All or nothing.</summary>
    void Decode(IReadOnlyList<Sequence> sequences);

    /// <summary>A sequence has ended well: what further questions may use is taken over before it is disposed.</summary>
    void Keep(Sequence sequence);

    /// <summary>Frees what can be computed again; called when memory ran out.</summary>
    /// <returns>Bytes set free.</returns>
    long Trim();
}

/// <summary>Bytes and counts of an executor.</summary>
internal readonly record struct ExecutorMemory
{
    public long WeightBytes { get; init; }

    public long VisionCacheBytes { get; init; }

    /// <summary>Images that the tower has encoded.</summary>
    public long VisionRuns { get; init; }

    public long PrefixCacheBytes { get; init; }

    /// <summary>Prompt tokens looked up in the prefix cache, and those found.</summary>
    public long PrefixQueries { get; init; }

    public long PrefixHits { get; init; }
}
