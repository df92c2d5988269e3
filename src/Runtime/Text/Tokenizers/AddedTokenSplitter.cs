using System.Globalization;
using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Splits text at added tokens: leftmost first, longest first at one place.</summary>
internal sealed class AddedTokenSplitter
{
    private readonly Dictionary<char, AddedToken[]> _byFirst;

    public AddedTokenSplitter(IEnumerable<AddedToken> tokens) => _byFirst = tokens
        .Where(t => t.Content.Length > 0)
        .GroupBy(t => t.Content[0])
        .ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Content.Length).ToArray());

    public bool IsEmpty => _byFirst.Count == 0;

    /// <summary>Pieces in order: text from <c>Start</c> of length <c>Length</c>, or a token.</summary>
    /// <param name="text">The text.</param>
    /// <param name="mayBeControl">Whether a control token of a text may be found at a place; null for everywhere.</param>
    public IEnumerable<(AddedToken? Token, int Start, int Length)> Split(string text, Func<string, int, bool>? mayBeControl = null)
    {
        var start = 0;
        for (var i = 0; i < text.Length;)
        {
            if (Find(text, i, mayBeControl) is not { } token)
            {
                i++;
                continue;
            }

            var (from, to) = (i, i + token.Content.Length);
            i = to;
            if (token.SingleWord && (IsWordBefore(text, from) || IsWordAt(text, to))) continue;
            if (token.LeftStrip)
                while (from > start && char.IsWhiteSpace(text[from - 1])) from--;
            if (token.RightStrip)
                while (i < text.Length && char.IsWhiteSpace(text[i])) i++;
            if (from > start) yield return (null, start, from - start);
            yield return (token, from, i - from);
            start = i;
        }

        if (start < text.Length) yield return (null, start, text.Length - start);
    }

    private AddedToken? Find(string text, int at, Func<string, int, bool>? mayBeControl)
    {
        if (!_byFirst.TryGetValue(text[at], out var candidates)) return null;
        foreach (var c in candidates)
        {
            if (text.AsSpan(at).StartsWith(c.Content, StringComparison.Ordinal)
                && (mayBeControl is null || !c.IsControl || mayBeControl(c.Content, at))) return c;
        }

        return null;
    }

    private static bool IsWordBefore(string text, int at) =>
        at > 0 && IsWord(Rune.TryGetRuneAt(text, at > 1 && char.IsLowSurrogate(text[at - 1]) ? at - 2 : at - 1, out var r) ? r
            : Rune.ReplacementChar);

    private static bool IsWordAt(string text, int at) => at < text.Length && Rune.TryGetRuneAt(text, at, out var r) && IsWord(r);

    private static bool IsWord(Rune r) => Rune.IsLetterOrDigit(r)
        || Rune.GetUnicodeCategory(r) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
        or UnicodeCategory.EnclosingMark or UnicodeCategory.ConnectorPunctuation;
}
