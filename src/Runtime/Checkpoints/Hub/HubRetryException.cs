namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>A request failed in a way that may pass.</summary>
/// <param name="message">What happened.</param>
/// <param name="limited">Whether the server asks for fewer requests.</param>
/// <param name="after">How long the server asks to wait, if it says.</param>
internal sealed class HubRetryException(string message, bool limited, TimeSpan? after) : IOException(message)
{
    public bool Limited { get; } = limited;

    public TimeSpan? After { get; } = after;
}
