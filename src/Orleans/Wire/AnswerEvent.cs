using Orleans;
using Orleans.Concurrency;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A word of a worker about a request.</summary>
/// <param name="Kind">What it says.</param>
/// <param name="Text">A piece of the answer, hashes, or JSON.</param>
/// <param name="Worker">Address of the silo, where it accepts or declines.</param>
/// <param name="Number">Counts the words of one answer, so that a lost one is noticed.</param>
[GenerateSerializer, Immutable, Alias("d2pruner.event")]
internal sealed record AnswerEvent(
    [property: Id(0)] AnswerEventKind Kind, [property: Id(1)] string? Text = null, [property: Id(2)] string? Worker = null,
    [property: Id(3)] int Number = 0)
{
    /// <summary>Whether nothing follows.</summary>
    public bool IsLast => Kind is not (AnswerEventKind.Accepted or AnswerEventKind.Prefilled or AnswerEventKind.Text);
}
