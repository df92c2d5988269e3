namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>Nodes that match some text, were every byte at hand.</summary>
internal sealed class Possible
{
    private readonly bool[] _possible;

    public Possible(IReadOnlyList<GrammarNode> nodes)
    {
        _possible = new bool[nodes.Count];
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var node in nodes)
            {
                if (_possible[node.Id] || !IsPossible(node)) continue;
                _possible[node.Id] = changed = true;
            }
        }
    }

    public bool Contains(GrammarNode node) => _possible[node.Id];

    private bool IsPossible(GrammarNode node) => node switch
    {
        GrammarNode.Bytes b => !b.Set.IsEmpty,
        GrammarNode.Sequence s => s.Parts.All(p => _possible[p.Id]),
        GrammarNode.Choice c => c.Options.Any(o => _possible[o.Id]),
        GrammarNode.Repeat r => r.Min == 0 || _possible[r.Body.Id],
        GrammarNode.Reference r => r.Target is { } target && _possible[target.Id],
        _ => true,
    };
}
