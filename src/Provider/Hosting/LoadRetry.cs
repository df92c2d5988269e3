namespace D2Pruner.AI;

/// <summary>When a model that could not be loaded is tried again without a request: after ten seconds, then ever more seldom, up to every
/// five minutes.</summary>
internal sealed class LoadRetry
{
    /// <summary>How often a model is looked at.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);
    private Type? _failure;

    /// <summary>Time from the last failure to the next try; zero where the last try did not fail.</summary>
    public TimeSpan Pause { get; private set; }

    /// <summary>The model can answer.</summary>
    public void Succeeds() => (_failure, Pause) = (null, TimeSpan.Zero);

    /// <summary>A try failed.</summary>
    /// <param name="failure">What with.</param>
    /// <returns>Whether that is to be told as an error: once for each kind of failure, which may stay for days.</returns>
    public bool Fails(Exception failure)
    {
        var isNew = _failure != failure.GetType();
        var longer = Pause == TimeSpan.Zero ? Look : Pause * 2;
        (_failure, Pause) = (failure.GetType(), longer < LongestPause ? longer : LongestPause);
        return isNew;
    }
}
