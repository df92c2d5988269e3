using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>The automatons of one model's vocabulary by grammar: the least recently used ones go first. Safe for concurrent use; what it
/// hands out is for one thread at a time.</summary>
internal sealed class ConstraintCache(ITokenizer tokenizer, IReadOnlySet<int> stopIds, int capacity = 8)
{
    private readonly LinkedList<(string Key, ByteAutomaton Automaton)> _order = [];
    private readonly Dictionary<string, LinkedListNode<(string Key, ByteAutomaton Automaton)>> _byKey = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private TokenVocabulary? _vocabulary;

    public int Count => _byKey.Count;

    /// <summary>The constraint of a new answer.</summary>
    /// <exception cref="ConstraintException">The vocabulary cannot spell any answer of the grammar.</exception>
    public TokenConstraint Create(Grammar grammar)
    {
        lock (_gate) return Find(grammar);
    }

    private TokenConstraint Find(Grammar grammar)
    {
        if (_byKey.TryGetValue(grammar.Key, out var node))
        {
            _order.Remove(node);
            _order.AddFirst(node);
            return new TokenConstraint(node.Value.Automaton);
        }

        _vocabulary ??= new TokenVocabulary(tokenizer, stopIds);
        var automaton = new ByteAutomaton(grammar, _vocabulary);
        _byKey[grammar.Key] = _order.AddFirst((grammar.Key, automaton));
        if (_byKey.Count > capacity)
        {
            _byKey.Remove(_order.Last!.Value.Key);
            _order.RemoveLast();
        }

        return new TokenConstraint(automaton);
    }
}
