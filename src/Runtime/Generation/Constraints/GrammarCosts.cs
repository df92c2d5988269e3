namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>
/// The fewest tokens that complete each part of a grammar, as one vocabulary can spell it. A part that it cannot spell costs
/// <see cref="Infinite"/> and is never entered: this is why the walk has no dead ends. Each step of an optimal spelling lowers
/// the cost by one, so an answer can be closed within its cost.
/// </summary>
internal sealed class GrammarCosts
{
    public const int Infinite = 1 << 28;
    private readonly int[] _node;
    private readonly int[]?[] _suffix;
    private readonly TokenVocabulary _vocabulary;

    public GrammarCosts(IReadOnlyList<GrammarNode> nodes, TokenVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        _node = new int[nodes.Count];
        _suffix = new int[nodes.Count][];
        Array.Fill(_node, Infinite);
        foreach (var literal in nodes.OfType<GrammarNode.Literal>()) _suffix[literal.Id] = vocabulary.SpellingCosts(literal.Text);
        // Least fixed point; children stand before their parents as a rule, so that few rounds are needed.
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var node in nodes)
            {
                var cost = Whole(node);
                if (cost == _node[node.Id]) continue;
                _node[node.Id] = cost;
                changed = true;
            }
        }

        foreach (var sequence in nodes.OfType<GrammarNode.Sequence>())
        {
            var rest = new int[sequence.Parts.Length + 1];
            for (var i = sequence.Parts.Length - 1; i >= 0; i--) rest[i] = Add(rest[i + 1], _node[sequence.Parts[i].Id]);
            _suffix[sequence.Id] = rest;
        }
    }

    /// <summary>Cost of what is left of a node.</summary>
    /// <param name="node">The node.</param>
    /// <param name="count">How far it has been matched: bytes, parts, rounds.</param>
    public int Of(GrammarNode node, int count) => node switch
    {
        GrammarNode.Literal or GrammarNode.Sequence => _suffix[node.Id]![count],
        GrammarNode.Repeat r => Times(_node[r.Body.Id], Math.Max(0, r.Min - count)),
        _ => _node[node.Id],
    };

    public static int Add(int a, int b) => Math.Min(Infinite, a + b);

    private static int Times(int cost, int n) => n == 0 ? 0 : (int)Math.Min(Infinite, (long)cost * n);

    private int Whole(GrammarNode node)
    {
        switch (node)
        {
            case GrammarNode.Bytes b:
                return b.Set.And(_vocabulary.SingleBytes).IsEmpty ? Infinite : 1;
            case GrammarNode.Literal:
                return _suffix[node.Id]![0];
            case GrammarNode.Sequence s:
                var sum = 0;
                foreach (var part in s.Parts) sum = Add(sum, _node[part.Id]);
                return sum;
            case GrammarNode.Choice c:
                var min = Infinite;
                foreach (var option in c.Options) min = Math.Min(min, _node[option.Id]);
                return min;
            case GrammarNode.Repeat r:
                return Times(_node[r.Body.Id], r.Min);
            case GrammarNode.Reference r:
                return r.Target is { } target ? _node[target.Id] : Infinite;
            default:
                return 0; // Until: the text may end at once.
        }
    }
}
