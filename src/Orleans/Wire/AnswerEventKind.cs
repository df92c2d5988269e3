namespace D2Pruner.AI.Orleans.Wire;

/// <summary>What a worker says about a request.</summary>
internal enum AnswerEventKind
{
    /// <summary>It works on it.</summary>
    Accepted,

    /// <summary>It lacks images: the text names their hashes.</summary>
    ImagesMissing,

    /// <summary>It takes nothing: it is stopping, does not serve this, or has too much to do for an image that may be spread.</summary>
    Declined,

    /// <summary>It takes nothing because its line is full.</summary>
    Full,

    /// <summary>The prompt has been read; the text is JSON.</summary>
    Prefilled,

    /// <summary>A piece of the answer.</summary>
    Text,

    /// <summary>The answer is complete; the text is JSON.</summary>
    Completed,

    /// <summary>The request failed for a reason of its own; the text is JSON.</summary>
    Failed,
}
