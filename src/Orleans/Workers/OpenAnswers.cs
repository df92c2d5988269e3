using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using D2Pruner.AI.Orleans.Wire;

namespace D2Pruner.AI.Orleans.Workers;

/// <summary>Answers that are being read here, and those that were lately.</summary>
/// <param name="clock">The time.</param>
internal sealed class OpenAnswers(TimeProvider clock)
{
    /// <summary>Time in which a reader may come back.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<Guid, OpenAnswer> _answers = new();

    /// <summary>Answers that a reader could come back to.</summary>
    public int Count => _answers.Count;

    /// <summary>A new answer, or the rest of one; nothing where the rest is asked for and not known.</summary>
    /// <param name="request">Which one, and from which word on.</param>
    /// <param name="begin">Begins a new one.</param>
    /// <param name="cancellationToken">The reader's.</param>
    public async IAsyncEnumerable<AnswerEvent> ReadAsync(
        AnswerRequest request, Func<CancellationToken, IAsyncEnumerable<AnswerEvent>> begin,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var answer = request.From == 0 ? _answers.GetOrAdd(request.Id, _ => new OpenAnswer(begin)) : _answers.GetValueOrDefault(request.Id);
        if (answer is null) yield break;
        var mine = answer.Enter();
        try
        {
            await foreach (var said in answer.ReadAsync(request.From, cancellationToken).ConfigureAwait(false)) yield return said;
        }
        finally
        {
            _ = ForgetAsync(request.Id, answer, mine);
        }
    }

    /// <summary>Ends an answer that nobody wants any more.</summary>
    public ValueTask EndAsync(Guid id) => _answers.TryRemove(id, out var answer) ? answer.DisposeAsync() : default;

    private async Task ForgetAsync(Guid id, OpenAnswer answer, int reader)
    {
        await Task.Delay(Patience, clock).ConfigureAwait(false);
        // Only the newest one's leaving counts: an older one may have been left behind unseen.
        if (answer.Readers == reader) await EndAsync(id).ConfigureAwait(false);
    }
}
