using System.Text;
using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>
/// Penn Treebank tokens of captions, lower-cased, as the caption metrics want them. The rules are those that captions meet; the Java tool
/// behind the official figures has more (docs/evaluation.md names the difference).
/// </summary>
internal static partial class PtbTokenizer
{
    // What pycocoevalcap drops; its bracket names are upper case and so never meet the lower-cased tokens.
    private static readonly HashSet<string> Dropped = new(StringComparer.Ordinal)
    {
        "''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";",
    };

    private static readonly HashSet<string> Titles = new(StringComparer.OrdinalIgnoreCase)
    {
        "dr", "mr", "mrs", "ms", "st", "ft", "mt", "prof", "gen", "col", "sgt", "capt", "lt", "rep", "sen", "gov", "rev", "hon", "messrs",
            "pres", "maj", "adm", "cmdr",
    };

    private static readonly HashSet<string> Abbreviations = new(StringComparer.OrdinalIgnoreCase)
    {
        "etc", "vs", "jr", "sr", "bros", "corp", "inc", "co", "ltd", "ave", "blvd", "dept", "est", "univ", "assn", "intl", "govt",
        "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
        "ala", "ariz", "ark", "calif", "colo", "conn", "dak", "del", "fla", "ga", "ill", "ind", "kan", "ky", "la", "md", "mich", "minn",
        "mo", "mont", "neb", "nev", "okla", "ore", "pa",
        "penn", "tenn", "tex", "va", "vt", "wash", "wis", "wyo",
    };

    private static readonly HashSet<string> BeforeNumbers =
        new(StringComparer.OrdinalIgnoreCase) { "no", "nos", "art", "fig", "figs", "prop", "nr" };

    private static readonly Dictionary<string, string> Halves = new(StringComparer.Ordinal)
    {
        ["cannot"] = "can not", ["gonna"] = "gon na", ["wanna"] = "wan na", ["gotta"] = "got ta", ["gimme"] = "gim me",
            ["lemme"] = "lem me",
    };

    /// <summary>The tokens that remain after the wrapper's punctuation list, joined by blanks.</summary>
    /// <param name="caption">One caption.</param>
    /// <param name="next">The caption after it, whose first letter can change the end of this one.</param>
    public static string Tokenize(string caption, string? next = null) =>
        string.Join(' ', Tokens(caption, next).Where(t => !Dropped.Contains(t)));

    /// <summary>All tokens.</summary>
    public static List<string> Tokens(string caption, string? next = null)
    {
        var text = string.Concat(
            caption.Where(c => !char.IsSurrogate(c)).Select(c => c switch { '\u2019' => '\'', '\n' or '\r' => ' ', _ => c }));
        var words = PythonText.Split(text);
        var tokens = new List<string>();
        for (var w = 0; w < words.Count; w++)
        {
            var following = w + 1 < words.Count ? words[w + 1] : PythonText.Strip(next ?? "");
            for (var i = 0; i < words[w].Length;) i += Take(words[w], i, following, tokens);
        }

        return tokens;
    }

    // Adds the token (or tokens) that begin at a place of a word without blanks, and says how many characters they took.
    private static int Take(string s, int i, string following, List<string> tokens)
    {
        void Add(string token) => tokens.Add(token.ToLowerInvariant());
        foreach (var whole in new[] { Tag(), Address(), Mail(), HashTag(), Smiley() })
        {
            if (At(whole, s, i) is not { } found) continue;
            Add(found.Replace("(", "-lrb-").Replace(")", "-rrb-"));
            return found.Length;
        }

        if (At(Ellipsis(), s, i) is { } dots) return Emit("...", dots.Length);
        if (At(Dashes(), s, i) is { } dashes) return Emit("--", dashes.Length);
        if (At(Marks(), s, i) is { } marks) return Emit(marks, marks.Length);
        if (s[i] == '\'') return Apostrophe(s, i, tokens);
        if (At(Number(), s, i) is { } number) return Emit(number, number.Length);
        if (At(Initials(), s, i) is { } initials && !FollowsLetter(s, i))
        {
            Add(initials);
            EndOfSentence(s, i + initials.Length, following, tokens);
            return initials.Length;
        }

        if (At(Ampersand(), s, i) is { } firm) return Emit(firm, firm.Length);
        if (At(Language(), s, i) is { } language) return Emit(language, language.Length);
        if (At(Elision(), s, i) is { } elision) return Emit(elision, elision.Length);
        if (At(YouAll(), s, i) is { } y) return Emit(y, y.Length);
        if (At(Negated(), s, i) is { } negated)
        {
            Add(negated[..^3]);
            Add(negated[^3..]);
            return negated.Length;
        }

        if (At(Word(), s, i) is { } word) return TakeWord(s, i, word, following, tokens);
        switch (s[i])
        {
            case '"': return Emit(i + 1 < s.Length && (i == 0 || !char.IsLetterOrDigit(s[i - 1])) && char.IsLetterOrDigit(s[i + 1])
                ? "``" : "''", 1);
            case '\u201C': return Emit("``", 1);
            case '\u201D': return Emit("''", 1);
            case '\u2018': return Emit("`", 1);
            case '`': return i + 1 < s.Length && s[i + 1] == '`' ? Emit("``", 2) : Emit("`", 1);
            case '(': return Emit("-lrb-", 1);
            case ')': return Emit("-rrb-", 1);
            case '[': return Emit("-lsb-", 1);
            case ']': return Emit("-rsb-", 1);
            case '{': return Emit("-lcb-", 1);
            case '}': return Emit("-rcb-", 1);
            case '\u00A3': return Emit("#", 1);
            case '\u20AC': return Emit("$", 1);
            case '\u00A2': return Emit("cents", 1);
            default: return Emit(s[i..(i + 1)], 1);
        }

        int Emit(string token, int length)
        {
            Add(token);
            return length;
        }
    }

    private static int TakeWord(string s, int i, string word, string following, List<string> tokens)
    {
        var end = i + word.Length;
        if (Halves.TryGetValue(word.ToLowerInvariant(), out var halves))
        {
            tokens.AddRange(halves.Split(' '));
            return word.Length;
        }

        if (end < s.Length && s[end] == '.')
        {
            var afterStop = end + 1 < s.Length ? s[(end + 1)..] : following;
            var title = Titles.Contains(word);
            if (title || Abbreviations.Contains(word) || BeforeNumbers.Contains(word) && afterStop.Length > 0 && char.IsDigit(afterStop[0]))
            {
                tokens.Add(word.ToLowerInvariant() + ".");
                if (!title) EndOfSentence(s, end + 1, following, tokens);
                return word.Length + 1;
            }
        }

        tokens.Add(word.ToLowerInvariant());
        return word.Length;
    }

    // 's and its like, 'tis and 'twas, 'em, 'n'; otherwise an opening quote before a letter and a closing one elsewhere.
    private static int Apostrophe(string s, int i, List<string> tokens)
    {
        var begins = i == 0 || !char.IsLetterOrDigit(s[i - 1]);
        if (begins && At(OldIt(), s, i) is { } old)
        {
            tokens.Add("'t");
            tokens.Add(old[2..].ToLowerInvariant());
            return old.Length;
        }

        if (At(begins ? Shortened() : Clitic(), s, i) is { } found)
        {
            tokens.Add(found.ToLowerInvariant());
            return found.Length;
        }

        tokens.Add(i + 1 < s.Length && char.IsLetter(s[i + 1]) ? "`" : "'");
        return 1;
    }

    // An abbreviation at a word's end before a capital ends a sentence too.
    private static void EndOfSentence(string s, int end, string following, List<string> tokens)
    {
        if (end == s.Length && following.Length > 0 && char.IsUpper(following[0])) tokens.Add(".");
    }

    private static bool FollowsLetter(string s, int i) => i > 0 && char.IsLetterOrDigit(s[i - 1]);

    private static string? At(Regex pattern, string s, int i) => pattern.Match(s, i) is { Success: true } m ? m.Value : null;

    [GeneratedRegex(@"\G</?[A-Za-z!][^<>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\G(?:https?://|www\.)\S*[^\s.,!?;:""')\]]|\G[A-Za-z0-9-]+\.(?:com|org|net|edu|gov)\b(?:/\S*[^\s.,!?;:""')\]])?",
        RegexOptions.IgnoreCase)]
    private static partial Regex Address();

    [GeneratedRegex(@"\G[\w.+-]+@\w[\w-]*(?:\.[\w-]+)*")]
    private static partial Regex Mail();

    [GeneratedRegex(@"\G#[\p{L}_]\w*")]
    private static partial Regex HashTag();

    [GeneratedRegex(@"\G[:;=8][-o*']?[()DPp](?=$)")]
    private static partial Regex Smiley();

    [GeneratedRegex(@"\G(?:\.{2,}|\u2026)")]
    private static partial Regex Ellipsis();

    [GeneratedRegex(@"\G(?:-{2,}|[\u2013\u2014]+)")]
    private static partial Regex Dashes();

    [GeneratedRegex(@"\G[!?]+")]
    private static partial Regex Marks();

    [GeneratedRegex(@"\G[-+]?(?>\d+(?:[.,:/]\d+)*|\.\d+)(?![\p{L}_]|-[\p{L}\d])")]
    private static partial Regex Number();

    [GeneratedRegex(@"\G(?:\p{L}\.){2,}|\G\p{L}\.(?![\p{L}\d.])")]
    private static partial Regex Initials();

    [GeneratedRegex(@"\G[A-Z]+(?:[+&][A-Z]+)+")]
    private static partial Regex Ampersand();

    [GeneratedRegex(@"\G[CcFf](?:\+\+|#)(?!\w)")]
    private static partial Regex Language();

    [GeneratedRegex(@"\G(?:[dol]'\p{L}[\p{L}\p{M}]*)", RegexOptions.IgnoreCase)]
    private static partial Regex Elision();

    [GeneratedRegex(@"\Gy'(?=\p{L})", RegexOptions.IgnoreCase)]
    private static partial Regex YouAll();

    [GeneratedRegex(@"\G\p{L}+?n't(?!\p{L})", RegexOptions.IgnoreCase)]
    private static partial Regex Negated();

    [GeneratedRegex(@"\G[\p{L}\p{M}\p{Nd}_]+(?:[-/][\p{L}\p{M}\p{Nd}_]+)*")]
    private static partial Regex Word();

    [GeneratedRegex(@"\G't(?:is|was)(?!\p{L})", RegexOptions.IgnoreCase)]
    private static partial Regex OldIt();

    [GeneratedRegex(@"\G(?:'em|'n'?|'(?:s|m|d|re|ve|ll))(?!\p{L})", RegexOptions.IgnoreCase)]
    private static partial Regex Shortened();

    [GeneratedRegex(@"\G(?:'(?:s|m|d|re|ve|ll)(?!\p{L})|'n'(?=\p{L})|'n(?!\p{L}))", RegexOptions.IgnoreCase)]
    private static partial Regex Clitic();
}
