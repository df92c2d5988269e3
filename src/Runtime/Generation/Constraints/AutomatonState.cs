namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>A state of the byte automaton: all continuations that are possible after the bytes so far, each
/// at the point of taking a byte.</summary>
internal sealed class AutomatonState
{
    public required int Id { get; init; }

    /// <summary>Which clearing of the automaton it belongs to.</summary>
    public required int Epoch { get; init; }

    /// <summary>In order of their ids.</summary>
    public required Continuation[] Leaves { get; init; }

    /// <summary>The answer may end here.</summary>
    public required bool Accepting { get; init; }

    /// <summary>Fewest tokens to the end of the answer.</summary>
    public required int Cost { get; init; }

    /// <summary>Characters of a JSON string that may still come, where a string's inside is possible here; 0 elsewhere.</summary>
    public required int PlainRoom { get; init; }

    /// <summary>Whether plain text can go on in no other way than as the inside of that string.</summary>
    public required bool PlainOnly { get; init; }

    /// <summary>Free text is possible here: tokens without text (special ones) change nothing and are allowed.</summary>
    public required bool Free { get; init; }

    /// <summary>Nothing can follow.</summary>
    public bool Final => Accepting && Leaves.Length == 0;

    /// <summary>Per byte the id of the next state, or -1; null until it is needed.</summary>
    public int[]? Table { get; set; }

    /// <summary>The allowed tokens, one bit each; null until it is needed.</summary>
    public ulong[]? Mask { get; set; }

    /// <summary>The largest cost after any allowed token; known with the mask.</summary>
    public int LargestNextCost { get; set; }
}
