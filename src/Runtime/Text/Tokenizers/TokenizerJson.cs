using System.Text.Json;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Reads tokenizer.json: BPE with the post-processors and decoders of the supported families;
/// anything else is refused by name.</summary>
internal static class TokenizerJson
{
    /// <param name="root">The file.</param>
    /// <param name="overrides">An object whose keys replace the file's; null for none.</param>
    /// <param name="config">What the files beside it add.</param>
    /// <exception cref="TokenizerException">It cannot be read or is of an unsupported form.</exception>
    public static TokenizerModel Read(JsonElement root, JsonElement? overrides, TokenizerConfig config) =>
        JsonReading.Guard("tokenizer.json", () => ReadChecked(
            key => overrides is { } o && o.TryGetProperty(key, out _) ? o.Find(key) : root.Find(key),
            config));

    /// <summary>Reads an added token's content and flags.</summary>
    public static AddedToken AddedToken(JsonElement json, int id) =>
        new(id, json.Text("content") ?? throw new TokenizerException($"The added token {id} has no 'content'; expected its text."),
            json.Flag("special") ?? false)
    {
        LeftStrip = json.Flag("lstrip") ?? false,
        RightStrip = json.Flag("rstrip") ?? false,
        Normalized = json.Flag("normalized") ?? false,
        SingleWord = json.Flag("single_word") ?? false,
    };

    /// <summary>The parts of a component that may be a sequence.</summary>
    internal static IEnumerable<JsonElement> Flatten(JsonElement? json, string key)
    {
        if (json is not { } j) return [];
        return j.Text("type") == "Sequence" ? j.GetProperty(key).EnumerateArray().SelectMany(c => Flatten(c, key)) : [j];
    }

    private static TokenizerModel ReadChecked(Func<string, JsonElement?> find, TokenizerConfig config)
    {
        var model = find("model")
            ?? throw new TokenizerException("tokenizer.json has no 'model'; expected a BPE model with 'vocab' and 'merges'.");
        CheckModel(model);
        var pairs = model.GetProperty("vocab");
        var merges = model.GetProperty("merges");
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var p in pairs.EnumerateObject()) vocabulary[p.Name] = p.Value.GetInt32();
        var added = Added(find("added_tokens"), config);
        int? Id(string? token) => token is null ? null
            : added.Find(a => a.Content == token)?.Id ?? (vocabulary.TryGetValue(token, out var id) ? id : null);
        var (prefix, suffix) = config.MakesPostProcessor ? FromFlags(config, Id) : PostProcessor(find("post_processor"), Id);
        var (normalize, words, byteLevel) = TokenizerPipeline.Read(find("normalizer"), find("pre_tokenizer"));
        var (kind, strip) = Decoder(find("decoder"));
        if (byteLevel != (kind == DecoderKind.ByteLevel))
            throw new TokenizerException(
                "tokenizer.json has a ByteLevel pre-tokenizer without a ByteLevel decoder, or the other way round; supported are both or " +
                "neither.");
        return new TokenizerModel
        {
            Vocabulary = vocabulary,
            Merges = Merges(merges, vocabulary),
            Added = added,
            Normalize = normalize,
            Words = words,
            Decoder = kind,
            LeadingSpacesToStrip = strip,
            ByteFallback = model.Flag("byte_fallback") ?? false,
            IgnoreMerges = model.Flag("ignore_merges") ?? false,
            FuseUnknown = model.Flag("fuse_unk") ?? false,
            UnknownId = Id(model.Text("unk_token")),
            Prefix = prefix,
            Suffix = suffix,
            BosId = Id(config.Named("bos_token")) ?? (prefix.Length > 0 ? prefix[0] : null),
            EosId = Id(config.Named("eos_token")),
            PadId = Id(config.Named("pad_token")),
        };
    }

    private static void CheckModel(JsonElement model)
    {
        // Older files name no type; every one with merges is BPE.
        var type = model.Text("type") ?? (model.Find("merges") is null ? "nameless" : "BPE");
        if (type != "BPE") throw new TokenizerException($"tokenizer.json has a {type} model; supported is BPE.");
        foreach (var key in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Text(key) is { Length: > 0 } affix)
                throw new TokenizerException($"tokenizer.json has {key} '{affix}'; supported is none.");
        }

        if (model.Find("dropout") is { ValueKind: JsonValueKind.Number } dropout && dropout.GetDouble() != 0)
            throw new TokenizerException($"tokenizer.json has a dropout of {dropout.GetRawText()}; supported is none.");
    }

    private static List<AddedToken> Added(JsonElement? json, TokenizerConfig config)
    {
        var added = new List<AddedToken>();
        if (json is { } list)
        {
            foreach (var a in list.EnumerateArray()) added.Add(AddedToken(a, a.GetProperty("id").GetInt32()));
        }

        // Some folders name tokens in tokenizer_config.json alone.
        var ids = added.Select(a => a.Id).ToHashSet();
        var names = added.Select(a => a.Content).ToHashSet(StringComparer.Ordinal);
        added.AddRange(config.Added.Where(a => !ids.Contains(a.Id) && !names.Contains(a.Content)));
        return added;
    }

    private static RankedMerges Merges(JsonElement json, Dictionary<string, int> vocabulary)
    {
        var merges = new RankedMerges(vocabulary, json.GetArrayLength());
        foreach (var m in json.EnumerateArray())
        {
            if (m.ValueKind == JsonValueKind.String) merges.Add(m.GetString()!);
            else if (m.ValueKind == JsonValueKind.Array && m.GetArrayLength() == 2) merges.Add(Text(m[0]), Text(m[1]));
            else throw new TokenizerException($"tokenizer.json has the merge {m.GetRawText()}; expected \"a b\" or [\"a\", \"b\"].");
        }

        return merges;
    }

    private static string Text(JsonElement json) => json.ValueKind == JsonValueKind.String
        ? json.GetString()!
        : throw new TokenizerException($"tokenizer.json has {json.GetRawText()} in a merge; expected a text.");

    private static (DecoderKind Kind, int Strip) Decoder(JsonElement? json)
    {
        JsonElement[] parts = [.. Flatten(json, "decoders")];
        string?[] types = [.. parts.Select(d => d.Text("type"))];
        switch (types)
        {
            case ["ByteLevel"]:
                return (DecoderKind.ByteLevel, 0);
            case ["Replace", "ByteFallback", "Fuse"] when IsSpace(parts[0]):
                return (DecoderKind.ByteFallback, 0);
            case ["Replace", "ByteFallback", "Fuse", "Strip"] when IsSpace(parts[0]) && parts[3].Text("content") == " "
                && parts[3].GetProperty("stop").GetInt32() == 0:
                return (DecoderKind.ByteFallback, parts[3].GetProperty("start").GetInt32());
            default:
                throw new TokenizerException(
                    $"tokenizer.json has the decoder {json?.GetRawText() ?? "null"}; supported are ByteLevel and Replace (▁ by a space) " +
                        "+ ByteFallback + Fuse, with or without Strip (spaces at the start).");
        }
    }

    private static bool IsSpace(JsonElement replace) => replace.Find("pattern") is { } p && p.Text("String") == "▁"
        && replace.Text("content") == " ";

    // Where the configuration is silent, the defaults of LlamaTokenizerFast.
    private static (int[] Prefix, int[] Suffix) FromFlags(TokenizerConfig config, Func<string?, int?> find)
    {
        int[] prefix = (config.AddBos ?? true) && find(config.Named("bos_token") ?? "<s>") is { } bos ? [bos] : [];
        int[] suffix = config.AddEos == true && find(config.Named("eos_token") ?? "</s>") is { } eos ? [eos] : [];
        return (prefix, suffix);
    }

    private static (int[] Prefix, int[] Suffix) PostProcessor(JsonElement? json, Func<string?, int?> find)
    {
        var prefix = new List<int>();
        var suffix = new List<int>();
        foreach (var p in Flatten(json, "processors"))
        {
            var type = p.Text("type");
            if (type == "ByteLevel") continue; // trims offsets, adds nothing
            if (type != "TemplateProcessing")
                throw new TokenizerException(
                    $"tokenizer.json has the post-processor {type}; supported are TemplateProcessing and ByteLevel.");
            var seen = false;
            foreach (var item in p.GetProperty("single").EnumerateArray())
            {
                if (item.Find("Sequence") is not null)
                {
                    seen = true;
                    continue;
                }

                var token = item.GetProperty("SpecialToken").Text("id")
                    ?? throw new TokenizerException("tokenizer.json's post-processor adds a token without an 'id'.");
                int[] ids = p.Find("special_tokens")?.Find(token)?.Find("ids") is { } list
                    ? [.. list.EnumerateArray().Select(i => i.GetInt32())]
                    : [find(token) ?? throw new TokenizerException(
                        $"tokenizer.json's post-processor adds '{token}', which is not in the vocabulary.")];
                (seen ? suffix : prefix).AddRange(ids);
            }
        }

        return ([.. prefix], [.. suffix]);
    }
}
