namespace D2Pruner.AI.Runtime.Native;

/// <summary>Disposes what it holds unless it was kept: for what must not outlive a construction that fails.</summary>
/// <param name="held">What it holds.</param>
internal sealed class OnFailure(IDisposable held) : IDisposable
{
    private IDisposable? _held = held;

    /// <summary>The construction succeeded: somebody else disposes it.</summary>
    public IDisposable Keep()
    {
        var kept = _held ?? throw new ObjectDisposedException(nameof(OnFailure));
        _held = null;
        return kept;
    }

    /// <inheritdoc/>
    public void Dispose() => _held?.Dispose();
}
