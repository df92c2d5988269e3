using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>
/// The pre-tokenizer pattern of Qwen2 and Qwen2.5, scanned over code points (.NET's own engine sees UTF-16 units, so letters
/// beyond the basic plane would fall out of <c>\p{L}</c>).
/// </summary>
internal static class Qwen2Splitter
{
    /// <summary>The pattern as tokenizer.json spells it.</summary>
    public const string Pattern =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static IEnumerable<string> Split(string text)
    {
        for (var i = 0; i < text.Length;)
        {
            var end = Match(text, i);
            yield return text[i..end];
            i = end;
        }
    }

    private static int Match(string s, int i)
    {
        if (Contraction(s, i) is var c and > 0) return i + c;
        var first = At(s, i, out var n);
        // [^\r\n\p{L}\p{N}]?\p{L}+
        if (Rune.IsLetter(first)) return While(s, i, Rune.IsLetter);
        if (!IsNewline(first) && !Rune.IsNumber(first) && i + n < s.Length && Rune.IsLetter(At(s, i + n, out _)))
            return While(s, i + n, Rune.IsLetter);
        if (Rune.IsNumber(first)) return i + n;
        // " ?[^\s\p{L}\p{N}]+[\r\n]*"
        var j = first.Value == ' ' ? i + 1 : i;
        var k = While(s, j, IsOther);
        if (k > j) return While(s, k, IsNewline);
        // Here the first code point is white space.
        var run = While(s, i, Rune.IsWhiteSpace);
        var newline = s.LastIndexOfAny(['\r', '\n'], run - 1, run - i);
        if (newline >= 0) return newline + 1;
        if (run == s.Length) return run;
        var last = run - (char.IsLowSurrogate(s[run - 1]) ? 2 : 1);
        return last > i ? last : run;
    }

    private static int Contraction(string s, int i)
    {
        if (s[i] != '\'' || i + 1 >= s.Length) return 0;
        char Lower(int at) => at < s.Length ? (s[at] == '\u017F' ? 's' : char.ToLowerInvariant(s[at])) : '\0';
        var (a, b) = (Lower(i + 1), Lower(i + 2));
        if (a is 's' or 't' or 'm' or 'd') return 2;
        return (a, b) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    private static bool IsNewline(Rune r) => r.Value is '\r' or '\n';

    private static bool IsOther(Rune r) => !Rune.IsWhiteSpace(r) && !Rune.IsLetter(r) && !Rune.IsNumber(r);

    private static int While(string s, int i, Func<Rune, bool> accept)
    {
        while (i < s.Length && accept(At(s, i, out var n))) i += n;
        return i;
    }

    private static Rune At(string s, int i, out int length)
    {
        if (Rune.TryGetRuneAt(s, i, out var rune))
        {
            length = rune.Utf16SequenceLength;
            return rune;
        }

        length = 1;
        return Rune.ReplacementChar;
    }
}
