using System.Text.Json;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>The normaliser and the pre-tokenizer of a tokenizer.json as functions; others than the supported
/// families' are refused by name.</summary>
internal static class TokenizerPipeline
{
    /// <summary>Reads both.</summary>
    /// <returns>The normaliser of a segment, the cut into words (the flag: the segment starts the text), and
    /// whether words are read as bytes.</returns>
    /// <exception cref="TokenizerException">A component is not supported.</exception>
    public static (Func<string, string> Normalize, Func<string, bool, IEnumerable<string>> Words, bool ByteLevel) Read(
        JsonElement? normalizer, JsonElement? preTokenizer)
    {
        Func<string, string> normalize = s => s;
        foreach (var n in TokenizerJson.Flatten(normalizer, "normalizers"))
        {
            var (before, next) = (normalize, Normalizer(n));
            normalize = s => next(before(s));
        }

        JsonElement[] parts = [.. TokenizerJson.Flatten(preTokenizer, "pretokenizers")];
        string?[] types = [.. parts.Select(p => p.Text("type"))];
        switch (types)
        {
            case []:
                return (normalize, (s, _) => [s], false);
            case ["Metaspace"]:
                return (normalize, MetaspaceOf(parts[0]), false);
            case ["Split", "ByteLevel"]:
                CheckSplit(parts[0]);
                CheckByteLevel(parts[1]);
                return (normalize, (s, _) => Qwen2Splitter.Split(s), true);
            default:
                throw new TokenizerException(
                    $"tokenizer.json has the pre-tokenizer [{string.Join(", ", types)}]; supported are none, Metaspace, and Split + " +
                    "ByteLevel.");
        }
    }

    private static Func<string, string> Normalizer(JsonElement json)
    {
        switch (json.Text("type"))
        {
            case "Prepend":
                var prepend = json.GetProperty("prepend").GetString()!;
                return s => s.Length > 0 ? prepend + s : s;
            case "Replace":
                var from = json.GetProperty("pattern").Text("String");
                var to = json.GetProperty("content").GetString()!;
                if (string.IsNullOrEmpty(from))
                    throw new TokenizerException(
                        $"tokenizer.json has the normalizer {json.GetRawText()}; of Replace, supported is a pattern of the form String.");
                return s => s.Replace(from, to, StringComparison.Ordinal);
            case "NFC":
                return Nfc.Normalize;
            default:
                throw new TokenizerException(
                    $"tokenizer.json has the normalizer {json.GetRawText()}; supported are Prepend, Replace and NFC.");
        }
    }

    private static Func<string, bool, IEnumerable<string>> MetaspaceOf(JsonElement json)
    {
        if ((json.Text("replacement") ?? "▁") != "▁")
            throw new TokenizerException(
                $"tokenizer.json has Metaspace with the replacement '{json.Text("replacement")}'; supported is '▁'.");
        // Older files say add_prefix_space instead of prepend_scheme.
        var scheme = json.Text("prepend_scheme") ?? (json.Flag("add_prefix_space") ?? true ? "always" : "never");
        if (scheme is not ("always" or "never" or "first"))
            throw new TokenizerException(
                $"tokenizer.json has Metaspace with prepend_scheme '{scheme}'; supported are always, never and first.");
        var split = json.Flag("split") ?? true;
        return (s, first) => Metaspace(s, scheme == "always" || (scheme == "first" && first), split);
    }

    private static IEnumerable<string> Metaspace(string text, bool prefix, bool split)
    {
        if (text.Length == 0) return [];
        var s = text.Replace(' ', '▁');
        if (prefix && s[0] != '▁') s = '▁' + s;
        return split ? Words(s) : [s];
    }

    // A word begins with its ▁.
    private static IEnumerable<string> Words(string s)
    {
        var start = 0;
        for (var i = 1; i <= s.Length; i++)
        {
            if (i < s.Length && s[i] != '▁') continue;
            yield return s[start..i];
            start = i;
        }
    }

    private static void CheckSplit(JsonElement json)
    {
        var pattern = json.Find("pattern")?.Text("Regex");
        if (pattern != Qwen2Splitter.Pattern)
            throw new TokenizerException(
                $"tokenizer.json splits by '{pattern}'; supported is the pattern of Qwen2 and Qwen2.5, '{Qwen2Splitter.Pattern}'.");
        if (json.Text("behavior") is not (null or "Isolated") || json.Flag("invert") == true)
            throw new TokenizerException(
                $"tokenizer.json has Split with behavior '{json.Text("behavior")}', invert {json.Flag("invert")}; supported is Isolated, " +
                "not inverted.");
    }

    private static void CheckByteLevel(JsonElement json)
    {
        if (json.Flag("add_prefix_space") == true || json.Flag("use_regex") != false)
            throw new TokenizerException(
                "tokenizer.json has ByteLevel with add_prefix_space or use_regex; supported is neither, after a Split.");
    }
}
