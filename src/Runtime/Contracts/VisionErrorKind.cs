namespace D2Pruner.AI.Runtime;

/// <summary>What kind of trouble an exception tells of: enough to choose a status, a retry or an alarm
/// by one switch (docs/errors.md).</summary>
public enum VisionErrorKind
{
    /// <summary>The request is wrong and stays wrong: a value out of range, a damaged image, a broken schema. HTTP 400.</summary>
    InvalidRequest,

    /// <summary>The request is sound, but this client or this model cannot do it. HTTP 422.</summary>
    Unsupported,

    /// <summary>Too many requests are waiting; the same request may succeed later. HTTP 429.</summary>
    Busy,

    /// <summary>The request is over a limit: bytes, pixels, images, context, memory. HTTP 413.</summary>
    TooLarge,

    /// <summary>The model cannot answer anybody now: not loadable, changed on disk, stopping, disposed. HTTP 503.</summary>
    Unavailable,

    /// <summary>A defect of this library or of one below it. HTTP 500.</summary>
    Internal,
}
