using System.Text;
using System.Text.Json;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Reads tokenizer.json: BPE with the normalisers, pre-tokenizers and decoders of the supported families; anything else is refused by name.</summary>
internal static class TokenizerJson
{
    public static TokenizerModel Read(JsonElement root)
    {
        try
        {
            return ReadChecked(root);
        }
        catch (Exception e) when (e is InvalidOperationException and not TokenizerException or KeyNotFoundException or FormatException)
        {
            throw new TokenizerException($"tokenizer.json cannot be read: {e.Message}", e);
        }
    }

    private static TokenizerModel ReadChecked(JsonElement root)
    {
        var model = root.GetProperty("model");
        var type = Text(model, "type") ?? "BPE";
        if (type != "BPE") throw new TokenizerException($"tokenizer.json has a {type} model; supported is BPE.");
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var p in model.GetProperty("vocab").EnumerateObject()) vocabulary[p.Name] = p.Value.GetInt32();
        var added = new List<AddedToken>();
        if (Get(root, "added_tokens") is { } list)
        {
            foreach (var a in list.EnumerateArray())
                added.Add(new AddedToken(a.GetProperty("id").GetInt32(), a.GetProperty("content").GetString()!, Flag(a, "special"), Flag(a, "lstrip"), Flag(a, "rstrip")));
        }

        var (prefix, suffix) = PostProcessor(Get(root, "post_processor"), vocabulary, added);
        var (kind, strip) = Decoder(Get(root, "decoder"));
        var unknown = Text(model, "unk_token");
        return new TokenizerModel
        {
            Vocabulary = vocabulary,
            Merges = new RankedMerges(Merges(model.GetProperty("merges"), vocabulary)),
            Added = added,
            Split = Splitter(Get(root, "normalizer"), Get(root, "pre_tokenizer")),
            Decoder = kind,
            StripsLeadingSpace = strip,
            ByteFallback = Flag(model, "byte_fallback"),
            IgnoreMerges = Flag(model, "ignore_merges"),
            FuseUnknown = Flag(model, "fuse_unk"),
            UnknownId = unknown is not null && vocabulary.TryGetValue(unknown, out var id) ? id : null,
            Prefix = prefix,
            Suffix = suffix,
        };
    }

    private static Dictionary<(int, int), (int, int)> Merges(JsonElement json, Dictionary<string, int> vocabulary)
    {
        var merges = new Dictionary<(int, int), (int, int)>();
        var rank = 0;
        foreach (var m in json.EnumerateArray())
        {
            string left, right;
            if (m.ValueKind == JsonValueKind.Array)
            {
                (left, right) = (m[0].GetString()!, m[1].GetString()!);
            }
            else
            {
                var s = m.GetString()!;
                var space = s.IndexOf(' ', 1);
                (left, right) = (s[..space], s[(space + 1)..]);
            }

            AddMerge(merges, vocabulary, left, right, rank++);
        }

        return merges;
    }

    internal static void AddMerge(Dictionary<(int, int), (int, int)> merges, Dictionary<string, int> vocabulary, string left, string right, int rank)
    {
        if (vocabulary.TryGetValue(left, out var l) && vocabulary.TryGetValue(right, out var r) && vocabulary.TryGetValue(left + right, out var merged))
            merges.TryAdd((l, r), (rank, merged));
        else
            throw new TokenizerException($"The merge '{left} {right}' names pieces that are not in the vocabulary.");
    }

    private static Func<string, bool, IEnumerable<string>> Splitter(JsonElement? normalizer, JsonElement? preTokenizer)
    {
        var normalizers = Flatten(normalizer, "normalizers").ToArray();
        var pre = Flatten(preTokenizer, "pretokenizers").ToArray();
        Func<string, string> normalize = s => s;
        foreach (var n in normalizers)
        {
            var before = normalize;
            switch (Text(n, "type"))
            {
                case "Prepend":
                    var prepend = n.GetProperty("prepend").GetString()!;
                    normalize = s => before(s) is { Length: > 0 } t ? prepend + t : "";
                    break;
                case "Replace":
                    var (from, to) = (n.GetProperty("pattern").GetProperty("String").GetString()!, n.GetProperty("content").GetString()!);
                    normalize = s => before(s).Replace(from, to, StringComparison.Ordinal);
                    break;
                case "NFC":
                    normalize = s => Nfc.Normalize(before(s));
                    break;
                default:
                    throw new TokenizerException($"The normalizer '{Text(n, "type")}' is not supported; supported are Prepend, Replace and NFC.");
            }
        }

        if (pre.Length == 0) return (s, _) => [normalize(s)];
        if (pre.Length == 1 && Text(pre[0], "type") == "Metaspace")
        {
            var scheme = Text(pre[0], "prepend_scheme") ?? (Flag(pre[0], "add_prefix_space", true) ? "always" : "never");
            var split = Flag(pre[0], "split", true);
            return (s, first) => Metaspace(normalize(s), scheme == "always" || (scheme == "first" && first), split);
        }

        if (pre.Length == 2 && Text(pre[0], "type") == "Split" && Text(pre[1], "type") == "ByteLevel")
        {
            var pattern = pre[0].GetProperty("pattern").GetProperty("Regex").GetString();
            if (pattern != Qwen2Splitter.Pattern) throw new TokenizerException($"The pre-tokenizer pattern '{pattern}' is not supported; supported is that of Qwen2 and Qwen2.5.");
            return (s, _) => Qwen2Splitter.Split(normalize(s)).Select(ByteLevel.Encode);
        }

        throw new TokenizerException($"The pre-tokenizer [{string.Join(", ", pre.Select(p => Text(p, "type")))}] is not supported; supported are none, Metaspace, and Split + ByteLevel.");
    }

    internal static IEnumerable<string> Metaspace(string text, bool prefix, bool split)
    {
        if (text.Length == 0) return [];
        var s = text.Replace(' ', '▁');
        if (prefix && s[0] != '▁') s = '▁' + s;
        return split ? Words(s) : [s];

        static IEnumerable<string> Words(string s)
        {
            var start = 0;
            for (var i = 1; i <= s.Length; i++)
            {
                if (i < s.Length && s[i] != '▁') continue;
                yield return s[start..i];
                start = i;
            }
        }
    }

    private static (DecoderKind Kind, bool Strip) Decoder(JsonElement? json)
    {
        var parts = Flatten(json, "decoders").Select(d => Text(d, "type")).ToArray();
        if (parts is ["ByteLevel"]) return (DecoderKind.ByteLevel, false);
        if (parts.Contains("ByteFallback")) return (DecoderKind.ByteFallback, parts.Contains("Strip"));
        throw new TokenizerException($"The decoder [{string.Join(", ", parts)}] is not supported; supported are ByteLevel and Replace + ByteFallback + Fuse (+ Strip).");
    }

    private static (int[] Prefix, int[] Suffix) PostProcessor(JsonElement? json, Dictionary<string, int> vocabulary, List<AddedToken> added)
    {
        var prefix = new List<int>();
        var suffix = new List<int>();
        foreach (var p in Flatten(json, "processors"))
        {
            if (Text(p, "type") != "TemplateProcessing") continue;
            var seen = false;
            foreach (var item in p.GetProperty("single").EnumerateArray())
            {
                if (item.TryGetProperty("Sequence", out _))
                {
                    seen = true;
                    continue;
                }

                var token = item.GetProperty("SpecialToken").GetProperty("id").GetString()!;
                var id = added.FirstOrDefault(a => a.Content == token)?.Id ?? vocabulary[token];
                (seen ? suffix : prefix).Add(id);
            }
        }

        return ([.. prefix], [.. suffix]);
    }

    private static IEnumerable<JsonElement> Flatten(JsonElement? json, string key)
    {
        if (json is not { } j) return [];
        return Text(j, "type") == "Sequence" ? j.GetProperty(key).EnumerateArray().SelectMany(c => Flatten(c, key)) : [j];
    }

    private static JsonElement? Get(JsonElement json, string key) =>
        json.TryGetProperty(key, out var v) && v.ValueKind != JsonValueKind.Null ? v : null;

    private static string? Text(JsonElement json, string key) => Get(json, key) is { ValueKind: JsonValueKind.String } v ? v.GetString() : null;

    private static bool Flag(JsonElement json, string key, bool fallback = false) => Get(json, key)?.GetBoolean() ?? fallback;
}
