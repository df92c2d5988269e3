namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>What is still to be matched: a node, how far it has been matched, and what follows.
/// Shared; equal ones are one object.</summary>
internal sealed class Continuation
{
    public required int Id { get; init; }

    /// <summary>Null only in the one that means: everything is matched.</summary>
    public required GrammarNode? Node { get; init; }

    /// <summary>Matched bytes of a literal or marker, parts of a sequence, rounds of a repetition.</summary>
    public required int Count { get; init; }

    public required Continuation? Next { get; init; }

    /// <summary>Fewest tokens to the end of the answer.</summary>
    public required int Cost { get; init; }

    /// <summary>The state that holds this continuation alone, once it is known.</summary>
    public AutomatonState? Alone { get; set; }
}
