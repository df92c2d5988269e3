namespace D2Pruner.AI.Runtime.Text;

/// <summary>A token that is found in the raw text before anything else.</summary>
internal sealed record AddedToken(int Id, string Content, bool Special, bool LeftStrip = false, bool RightStrip = false);

/// <summary>Splits text at added tokens: leftmost first, longest first at one place.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly Dictionary<char, AddedToken[]> _byFirst;

    public AddedTokenSplitter(IEnumerable<AddedToken> tokens) => _byFirst = tokens
        .Where(t => t.Content.Length > 0)
        .GroupBy(t => t.Content[0])
        .ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Content.Length).ToArray());

    /// <summary>Pieces in order: text from <c>Start</c> of length <c>Length</c>, or a token.</summary>
    public IEnumerable<(AddedToken? Token, int Start, int Length)> Split(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length;)
        {
            if (!_byFirst.TryGetValue(text[i], out var candidates) || Array.Find(candidates, c => string.CompareOrdinal(text, i, c.Content, 0, c.Content.Length) == 0) is not { } token)
            {
                i++;
                continue;
            }

            var end = i;
            if (token.LeftStrip)
                while (end > start && char.IsWhiteSpace(text[end - 1])) end--;
            if (end > start) yield return (null, start, end - start);
            yield return (token, i, token.Content.Length);
            i += token.Content.Length;
            if (token.RightStrip)
                while (i < text.Length && char.IsWhiteSpace(text[i])) i++;
            start = i;
        }

        if (start < text.Length) yield return (null, start, text.Length - start);
    }
}
