namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>
/// A grammar as an automaton over bytes for one vocabulary: a pushdown automaton whose sets of stacks are made deterministic as
/// they are met. For one thread at a time.
/// </summary>
internal sealed class ByteAutomaton
{
    private const int MaxStates = 2048;
    private readonly Grammar _grammar;
    private readonly GrammarCosts _costs;
    private readonly Dictionary<(int Node, int Count, int Next), Continuation> _continuations = [];
    private readonly Dictionary<int[], AutomatonState> _index = new(new IdsComparer());
    private readonly List<AutomatonState> _states = [];
    private readonly Stack<Continuation> _pending = new();
    private readonly HashSet<Continuation> _visited = [];
    private int _epoch;
    private Continuation _end = null!;
    private AutomatonState _start = null!;

    /// <exception cref="ConstraintException">The vocabulary cannot spell any answer of the grammar.</exception>
    public ByteAutomaton(Grammar grammar, TokenVocabulary vocabulary)
    {
        (_grammar, Vocabulary) = (grammar, vocabulary);
        _costs = new GrammarCosts(grammar.Nodes, vocabulary);
        Clear();
    }

    public TokenVocabulary Vocabulary { get; }

    public AutomatonState Start => _start;

    public int StateCount => _states.Count;

    public AutomatonState this[int state] => _states[state];

    /// <summary>The transitions of a state.</summary>
    public int[] Table(AutomatonState state) => state.Table ??= MakeTable(state);

    /// <summary>The state after some bytes, or null where they do not fit.</summary>
    public AutomatonState? Advance(AutomatonState state, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            var next = Table(state)[b];
            if (next < 0) return null;
            state = _states[next];
        }

        return state;
    }

    /// <summary>Forgets the states where there are too many; between tokens only. Also finds a state from
    /// before such a clearing again.</summary>
    /// <returns>The state in place of <paramref name="current"/>.</returns>
    public AutomatonState Trim(AutomatonState current)
    {
        if (current.Epoch == _epoch)
        {
            if (_states.Count <= MaxStates) return current;
            Clear();
        }

        var leaves = current.Leaves;
        var moved = new Dictionary<Continuation, Continuation>();
        return Intern([.. leaves.Select(l => Move(l, moved))], current.Accepting)!;
    }

    private Continuation Move(Continuation c, Dictionary<Continuation, Continuation> moved)
    {
        var chain = new Stack<Continuation>();
        Continuation? at = c;
        while (at is { Node: not null } && !moved.ContainsKey(at))
        {
            chain.Push(at);
            at = at.Next;
        }

        var next = at is { Node: not null } ? moved[at] : _end;
        while (chain.TryPop(out var link)) moved[link] = next = Make(link.Node!, link.Count, next);
        return next;
    }

    private void Clear()
    {
        _continuations.Clear();
        _index.Clear();
        _states.Clear();
        _epoch++;
        _end = new Continuation { Id = 0, Node = null, Count = 0, Next = null, Cost = 0 };
        _start = Close([Make(_grammar.Root, 0, _end)])
            ?? throw new ConstraintException(
                "The tokenizer's vocabulary cannot spell any answer that the grammar allows: it lacks tokens for single bytes.");
    }

    private Continuation Make(GrammarNode node, int count, Continuation next)
    {
        var key = (node.Id, count, next.Id);
        if (_continuations.TryGetValue(key, out var known)) return known;
        return _continuations[key] = new Continuation
        {
            Id = _continuations.Count + 1,
            Node = node,
            Count = count,
            Next = next,
            Cost = GrammarCosts.Add(_costs.Of(node, count), next.Cost),
        };
    }

    private int[] MakeTable(AutomatonState state)
    {
        var first = new Continuation?[256];
        var more = new List<Continuation>?[256];
        foreach (var leaf in state.Leaves)
        {
            switch (leaf.Node)
            {
                case GrammarNode.Bytes n:
                    var set = n.Set.And(Vocabulary.SingleBytes);
                    for (var b = 0; b < 256; b++)
                    {
                        if (set.Contains(b)) Add(b, leaf.Next!);
                    }

                    break;
                case GrammarNode.Literal n:
                    Add(n.Text[leaf.Count], leaf.Count + 1 == n.Text.Length ? leaf.Next! : Make(n, leaf.Count + 1, leaf.Next!));
                    break;
                case GrammarNode.Until n:
                    for (var b = 0; b < 256; b++)
                    {
                        var seen = n.Step(leaf.Count, (byte)b);
                        Add(b, seen == n.Length ? Make(n.After!, 0, leaf.Next!) : Make(n, seen, leaf.Next!));
                    }

                    break;
            }
        }

        var table = new int[256];
        var several = new Dictionary<int[], int>(new IdsComparer());
        for (var b = 0; b < 256; b++)
        {
            if (first[b] is not { } seed)
            {
                table[b] = -1;
            }
            else if (more[b] is not { } seeds)
            {
                table[b] = (seed.Alone ??= Close([seed]))?.Id ?? -1;
            }
            else
            {
                int[] key = [.. seeds.Select(s => s.Id)];
                if (!several.TryGetValue(key, out table[b])) several[key] = table[b] = Close(seeds)?.Id ?? -1;
            }
        }

        return table;

        void Add(int b, Continuation next)
        {
            if (first[b] is not { } one) first[b] = next;
            else if (more[b] is { } list) list.Add(next);
            else if (one != next) more[b] = [one, next];
        }
    }

    private AutomatonState? Close(IReadOnlyList<Continuation> seeds)
    {
        var leaves = new List<Continuation>();
        var accepting = false;
        _visited.Clear();
        foreach (var seed in seeds) _pending.Push(seed);
        while (_pending.TryPop(out var c))
        {
            if (c.Cost >= GrammarCosts.Infinite || !_visited.Add(c)) continue;
            switch (c.Node)
            {
                case null:
                    accepting = true;
                    break;
                case GrammarNode.Sequence n:
                    _pending.Push(c.Count == n.Parts.Length ? c.Next!
                        : Make(n.Parts[c.Count], 0, c.Count + 1 == n.Parts.Length ? c.Next! : Make(n, c.Count + 1, c.Next!)));
                    break;
                case GrammarNode.Choice n:
                    foreach (var option in n.Options) _pending.Push(Make(option, 0, c.Next!));
                    break;
                case GrammarNode.Repeat n:
                    if (c.Count >= n.Min) _pending.Push(c.Next!);
                    if (n.Max < 0 || c.Count < n.Max)
                        _pending.Push(Make(n.Body, 0, Make(n, n.Max < 0 ? Math.Min(c.Count + 1, n.Min) : c.Count + 1, c.Next!)));
                    break;
                case GrammarNode.Reference n:
                    _pending.Push(Make(n.Target!, 0, c.Next!));
                    break;
                case GrammarNode.Until:
                    leaves.Add(c);
                    _pending.Push(c.Next!);
                    break;
                default:
                    leaves.Add(c);
                    break;
            }
        }

        return leaves.Count == 0 && !accepting ? null : Intern([.. leaves], accepting);
    }

    private AutomatonState? Intern(Continuation[] leaves, bool accepting)
    {
        Array.Sort(leaves, (a, b) => a.Id.CompareTo(b.Id));
        int[] key = [accepting ? 1 : 0, .. leaves.Select(l => l.Id)];
        if (_index.TryGetValue(key, out var known)) return known;
        var room = 0;
        var plainOnly = true;
        foreach (var leaf in leaves)
        {
            if (leaf.Node is GrammarNode.Bytes { StartsCharacter: true }) room = Math.Max(room, Room(leaf.Next!));
            else if (TakesPlain(leaf)) plainOnly = false;
        }

        var state = new AutomatonState
        {
            Id = _states.Count,
            Epoch = _epoch,
            Leaves = leaves,
            Accepting = accepting,
            Cost = accepting ? 0 : leaves.Min(l => l.Cost),
            PlainRoom = room,
            PlainOnly = plainOnly && room > 0,
            Free = leaves.Any(l => l.Node is GrammarNode.Until),
        };
        _states.Add(state);
        return _index[key] = state;
    }

    // The repetition's frame counts the character that is about to begin.
    private static int Room(Continuation next)
    {
        while (next.Node is GrammarNode.Sequence) next = next.Next!;
        return next.Node is GrammarNode.Repeat { OfCharacters: true } r ? r.Max < 0 ? int.MaxValue : r.Max - next.Count + 1 : 0;
    }

    private static bool TakesPlain(Continuation leaf) => leaf.Node switch
    {
        GrammarNode.Bytes n => !n.Set.And(TokenVocabulary.PlainStart).IsEmpty,
        GrammarNode.Literal n => TokenVocabulary.PlainStart.Contains(n.Text[leaf.Count]),
        _ => true,
    };

    private sealed class IdsComparer : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] ids)
        {
            var hash = new HashCode();
            foreach (var id in ids) hash.Add(id);
            return hash.ToHashCode();
        }
    }
}
