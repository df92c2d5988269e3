using System.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>Makes the nodes of one grammar.</summary>
internal sealed class GrammarBuilder
{
    private const int MaxNodes = 200_000;
    private const int MaxText = 8 << 20;
    private readonly List<GrammarNode> _nodes = [];
    private GrammarNode? _empty;
    private long _text;

    public IReadOnlyList<GrammarNode> Nodes => _nodes;

    /// <summary>Matches nothing written: the empty text.</summary>
    public GrammarNode Empty => _empty ??= Add(new GrammarNode.Sequence([]) { Id = _nodes.Count });

    /// <summary>Cannot be matched.</summary>
    public GrammarNode Never() => Add(new GrammarNode.Choice([]) { Id = _nodes.Count });

    public GrammarNode Bytes(ByteSet set, bool startsCharacter = false) =>
        Add(new GrammarNode.Bytes(set) { Id = _nodes.Count, StartsCharacter = startsCharacter });

    public GrammarNode Bytes(string set) => Bytes(ByteSet.Of(set));

    public GrammarNode Bytes(int low, int high) => Bytes(ByteSet.Range(low, high));

    public GrammarNode Literal(string text)
    {
        if ((_text += text.Length) > MaxText)
            throw new NotSupportedException(
                $"The JSON schema needs a grammar with more than {MaxText} characters of fixed text. Use a smaller schema.");
        return text.Length == 0 ? Empty : Add(new GrammarNode.Literal(Encoding.UTF8.GetBytes(text)) { Id = _nodes.Count });
    }

    public GrammarNode Sequence(params GrammarNode[] parts) => parts.Length == 1 ? parts[0]
        : Add(new GrammarNode.Sequence(parts) { Id = _nodes.Count });

    public GrammarNode Choice(params GrammarNode[] options) => options.Length == 1 ? options[0]
        : Add(new GrammarNode.Choice(options) { Id = _nodes.Count });

    public GrammarNode Optional(GrammarNode node) => Choice(node, Empty);

    /// <summary>The body, from min to max times; max below 0 is without end. The body must not match the empty text.</summary>
    public GrammarNode Repeat(GrammarNode body, int min, int max, bool ofCharacters = false)
    {
        if (max >= 0 && max < min) return Never();
        return max == 0 ? Empty : Add(new GrammarNode.Repeat(body, min, max) { Id = _nodes.Count, OfCharacters = ofCharacters });
    }

    public GrammarNode.Reference Reference() => Add(new GrammarNode.Reference { Id = _nodes.Count });

    public GrammarNode.Until Until(string marker) => Add(new GrammarNode.Until(Encoding.UTF8.GetBytes(marker)) { Id = _nodes.Count });

    private T Add<T>(T node) where T : GrammarNode
    {
        if (_nodes.Count >= MaxNodes)
            throw new NotSupportedException($"The JSON schema needs a grammar of more than {MaxNodes} parts. Use a smaller schema.");
        _nodes.Add(node);
        return node;
    }
}
