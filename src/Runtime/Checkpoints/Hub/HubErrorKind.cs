namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>Why a model cannot be had from the Hub.</summary>
public enum HubErrorKind
{
    /// <summary>There is no such model, or it is private and no token was given (the Hub does not tell which).</summary>
    NotFound,

    /// <summary>The model exists, the revision does not.</summary>
    RevisionNotFound,

    /// <summary>Its terms must be accepted on the Hub first.</summary>
    Gated,

    /// <summary>The token is not valid here.</summary>
    Unauthorized,

    /// <summary>The Hub asks to wait longer than is waited for.</summary>
    RateLimited,

    /// <summary>The Hub does not answer, or keeps breaking off.</summary>
    Unreachable,

    /// <summary>What was received is not what the Hub announced.</summary>
    Damaged,

    /// <summary>The disk is too full.</summary>
    NoSpace,

    /// <summary>Offline mode is on and the cache does not hold the model.</summary>
    Offline,

    /// <summary>The repository holds no model that can be loaded.</summary>
    Unsupported,

    /// <summary>It cannot be removed while it is being fetched.</summary>
    Busy,
}
