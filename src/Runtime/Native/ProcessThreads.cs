using TorchSharp;

namespace D2Pruner.AI.Runtime.Native;

/// <summary>
/// libtorch's math threads belong to the process, not to a model. Loaded models that ask for a number agree on it; one that asks for
/// another is refused while they live.
/// </summary>
internal static class ProcessThreads
{
    private static readonly Lock Gate = new();
    private static int _users;
    private static int _threads;

    /// <summary>Asks for a number of threads.</summary>
    /// <param name="threads">The number; null leaves what is in force.</param>
    /// <returns>Ends the claim when disposed.</returns>
    /// <exception cref="ArgumentException">A loaded model has asked for another number.</exception>
    public static IDisposable Claim(int? threads)
    {
        if (threads is not { } wanted) return new Released(() => { });
        lock (Gate)
        {
            if (_users > 0 && _threads != wanted)
                throw new ArgumentException(
                    $"Threads is {wanted}, but a loaded model uses {_threads}: math threads belong to the process. Give all models one " +
                    "number, or leave it out.", nameof(threads));
            (_users, _threads) = (_users + 1, wanted);
            torch.set_num_threads(wanted);
        }

        return new Released(() =>
        {
            lock (Gate) _users--;
        });
    }

    private sealed class Released(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}
