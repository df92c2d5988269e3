namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>
/// One answer under a grammar: before each token, masks the logits of every token that the grammar does not allow; after it,
/// follows. Stop ids are allowed exactly where the grammar accepts. For one answer and one thread.
/// </summary>
internal sealed class TokenConstraint
{
    private readonly ByteAutomaton _automaton;
    private readonly TokenVocabulary _vocabulary;
    private AutomatonState _state;

    internal TokenConstraint(ByteAutomaton automaton) =>
        (_automaton, _vocabulary, _state) = (automaton, automaton.Vocabulary, automaton.Start);

    /// <summary>Whether the answer so far is whole: it may end here.</summary>
    public bool IsAccepting => _state.Accepting;

    /// <summary>Whether the answer is whole and nothing can follow.</summary>
    public bool IsComplete => _state.Final;

    /// <summary>Whether the answer was closed because its tokens ran out: it parses, but the model had more to say.</summary>
    public bool WasClosed { get; private set; }

    /// <summary>Sets the logits of tokens that are not allowed to negative infinity.</summary>
    /// <param name="logits">Logits of the next token, [vocabulary], at least one.</param>
    /// <param name="remaining">Tokens left for the answer, this one included, at least 1. Where only just enough are left to complete it,
    /// only tokens that lead to its end are allowed.</param>
    /// <exception cref="ConstraintException">No token is allowed; cannot happen with a vocabulary that
    /// is used with its own logits.</exception>
    public void Mask(Span<float> logits, int remaining)
    {
        _state = _automaton.Trim(_state);
        var mask = TokenMasks.Of(_automaton, _state);
        var limit = remaining - 1;
        // Where it cannot be completed any more, nothing is gained by hurrying.
        if (_state.LargestNextCost > limit && _state.Cost <= remaining)
        {
            var closing = TokenMasks.Closing(_automaton, _state, limit);
            WasClosed |= Best(logits, mask) is var best and >= 0 && !Allows(closing, best);
            mask = closing;
        }

        var any = false;
        for (var word = 0; word << 6 < logits.Length; word++)
        {
            var bits = word < mask.Length ? mask[word] : _state.Free ? ~0UL : 0;
            if (_state.Free && word == mask.Length - 1 && (_vocabulary.Size & 63) is not 0 and var used) bits |= ~0UL << used;
            var (start, end) = (word << 6, Math.Min(logits.Length, (word + 1) << 6));
            if (bits == 0)
            {
                logits[start..end].Fill(float.NegativeInfinity);
                continue;
            }

            if (bits == ~0UL)
            {
                any = true;
                continue;
            }

            for (var id = start; id < end; id++)
            {
                if ((bits >> (id & 63) & 1) == 0) logits[id] = float.NegativeInfinity;
                else
                {
                    any = true;
                    // So that an allowed token of no probability is still above those that are not allowed.
                    if (!(logits[id] > float.MinValue)) logits[id] = float.MinValue;
                }
            }
        }

        if (!any) throw new ConstraintException(
            $"No token of {logits.Length} is allowed after the answer so far; its grammar and vocabulary do not fit each other.");
    }

    /// <summary>Follows a chosen token that is no stop id.</summary>
    /// <param name="id">The id.</param>
    /// <exception cref="ConstraintException">The token is not allowed.</exception>
    public void Accept(int id)
    {
        if (_vocabulary.Bytes(id) is not { } bytes)
        {
            if (!_state.Free)
                throw new ConstraintException($"The token {id}, which has no text, is not allowed in an answer under a grammar.");
            return;
        }

        _state = _automaton.Advance(_automaton.Trim(_state), bytes)
            ?? throw new ConstraintException($"The token {id} is not allowed after the answer so far.");
    }

    private static bool Allows(ulong[] mask, int id) => (id >> 6) < mask.Length && (mask[id >> 6] >> (id & 63) & 1) != 0;

    private static int Best(ReadOnlySpan<float> logits, ulong[] mask)
    {
        var best = -1;
        for (var id = 0; id < logits.Length && id >> 6 < mask.Length; id++)
        {
            if (Allows(mask, id) && (best < 0 || logits[id] > logits[best])) best = id;
        }

        return best;
    }
}
