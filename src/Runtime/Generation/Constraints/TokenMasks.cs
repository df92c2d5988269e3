namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>The allowed tokens of a state.</summary>
internal static class TokenMasks
{
    /// <summary>All that the grammar allows; kept with the state.</summary>
    public static ulong[] Of(ByteAutomaton automaton, AutomatonState state)
    {
        if (state.Mask is { } known) return known;
        var vocabulary = automaton.Vocabulary;
        ulong[] mask;
        // Inside a string nearly every token fits: those of plain text alone are known beforehand, the rest is walked.
        if (state.PlainRoom > 0 && (state.PlainOnly || state.PlainRoom >= vocabulary.LongestPlain))
        {
            mask = (ulong[])vocabulary.Plain(state.PlainRoom).Clone();
            var inside = state.Leaves.Where(l => l.Node is GrammarNode.Bytes { StartsCharacter: true }).Max(l => l.Cost);
            state.LargestNextCost = Math.Max(inside, vocabulary.NotPlain.Walk(automaton, state, mask, int.MaxValue));
        }
        else
        {
            mask = new ulong[vocabulary.Words];
            state.LargestNextCost = vocabulary.All.Walk(automaton, state, mask, int.MaxValue);
        }

        AddEnd(automaton, state, mask);
        return state.Mask = mask;
    }

    /// <summary>Those after which the answer can still be completed within a number of tokens.</summary>
    public static ulong[] Closing(ByteAutomaton automaton, AutomatonState state, int costLimit)
    {
        var mask = new ulong[automaton.Vocabulary.Words];
        automaton.Vocabulary.All.Walk(automaton, state, mask, costLimit);
        AddEnd(automaton, state, mask);
        return mask;
    }

    private static void AddEnd(ByteAutomaton automaton, AutomatonState state, ulong[] mask)
    {
        if (state.Accepting)
        {
            foreach (var id in automaton.Vocabulary.StopIds) mask[id >> 6] |= 1UL << (id & 63);
        }

        if (!state.Free) return;
        for (var i = 0; i < mask.Length; i++) mask[i] |= automaton.Vocabulary.Silent[i];
    }
}
