using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>One byte-pair tokenizer for every supported vocabulary: the files decide normalisation,
/// splitting, merges and decoding.</summary>
internal sealed class BpeTokenizer : ITokenizer
{
    private readonly TokenizerModel _model;
    private readonly string?[] _tokens;
    private readonly Dictionary<string, int> _addedIds;
    private readonly HashSet<int> _special;
    private readonly AddedTokenSplitter _raw;
    private readonly AddedTokenSplitter _normalized;
    private readonly Dictionary<int, int> _runeIds = [];
    private readonly int[] _byteIds = new int[256];

    public BpeTokenizer(TokenizerModel model)
    {
        _model = model;
        _tokens = new string?[Size(model)];
        foreach (var (token, id) in model.Vocabulary)
        {
            _tokens[id] = token;
            if (token.Length is 1 or 2 && Rune.TryGetRuneAt(token, 0, out var rune) && rune.Utf16SequenceLength == token.Length)
                _runeIds[rune.Value] = id;
        }

        foreach (var a in model.Added) _tokens[a.Id] = a.Content;
        foreach (var id in (IEnumerable<int>)[.. model.Prefix, .. model.Suffix])
        {
            if (IdToToken(id) is null)
                throw new TokenizerException(
                    $"The tokenizer's post-processor adds the id {id}, which no token has; the vocabulary's ids end at " +
                    $"{_tokens.Length - 1}.");
        }

        _addedIds = model.Added.GroupBy(a => a.Content, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.First().Id, StringComparer.Ordinal);
        _special = [.. model.Added.Where(a => a.Special).Select(a => a.Id)];
        _raw = new AddedTokenSplitter(model.Added.Where(a => !a.Normalized));
        _normalized = new AddedTokenSplitter(
            model.Added.Where(a => a.Normalized).Select(a => a with { Content = model.Normalize(a.Content) }));
        for (var b = 0; b < 256; b++) _byteIds[b] = ByteId((byte)b) ?? -1;
    }

    public int VocabularySize => _tokens.Length;

    public int? BosId => _model.BosId;

    public int? EosId => _model.EosId;

    public int? PadId => _model.PadId;

    internal DecoderKind Kind => _model.Decoder;

    internal int LeadingSpacesToStrip => _model.LeadingSpacesToStrip;

    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode(text, null, addSpecialTokens);
    }

    public int[] Encode(PromptText prompt, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Encode(prompt.Text, prompt.Messages.Count == 0 ? null : prompt, addSpecialTokens);
    }

    private int[] Encode(string text, PromptText? prompt, bool addSpecialTokens)
    {
        var ids = new List<int>(text.Length / 3 + 2);
        if (addSpecialTokens) ids.AddRange(_model.Prefix);
        foreach (var (token, start, length) in _raw.Split(text, prompt is null ? null : prompt.MayBeControl))
        {
            if (token is not null) ids.Add(token.Id);
            else AddSegment(_model.Normalize(length == text.Length ? text : text.Substring(start, length)), start == 0,
                prompt?.IsTemplate(start, length) != false, ids);
        }

        if (addSpecialTokens) ids.AddRange(_model.Suffix);
        return [.. ids];
    }

    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true)
    {
        var decoder = CreateDecoder(skipSpecialTokens);
        var text = new StringBuilder();
        foreach (var id in ids) text.Append(decoder.Push(id));
        return text.Append(decoder.Flush()).ToString();
    }

    public IIncrementalDecoder CreateDecoder(bool skipSpecialTokens = true) => new IncrementalDecoder(this, skipSpecialTokens);

    public int? TokenToId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _addedIds.TryGetValue(token, out var id) || _model.Vocabulary.TryGetValue(token, out id) ? id : null;
    }

    public string? IdToToken(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    public bool IsSpecial(int id) => _special.Contains(id);

    public byte[]? TokenBytes(int id)
    {
        if (IdToToken(id) is not { } token || IsSpecial(id)) return null;
        if (Kind == DecoderKind.ByteLevel) return ByteLevel.Decode(token);
        return ByteToken.Find(token) is { } b ? [b] : Encoding.UTF8.GetBytes(token.Replace('▁', ' '));
    }

    // Normalising moves places: of a segment with text of messages in it, no token that is looked for afterwards is a control token.
    private void AddSegment(string text, bool first, bool isTemplate, List<int> ids)
    {
        if (_normalized.IsEmpty)
        {
            AddWords(text, first, ids);
            return;
        }

        foreach (var (token, start, length) in _normalized.Split(text, isTemplate ? null : static (_, _) => false))
        {
            if (token is not null) ids.Add(token.Id);
            else AddWords(text.Substring(start, length), first && start == 0, ids);
        }
    }

    private void AddWords(string text, bool first, List<int> ids)
    {
        var symbols = new List<int>();
        foreach (var word in _model.Words(text, first))
        {
            if (word.Length == 0) continue;
            if (_model.IgnoreMerges && _model.Vocabulary.TryGetValue(
                Kind == DecoderKind.ByteLevel ? ByteLevel.Encode(word) : word, out var whole) && !_special.Contains(whole))
            {
                ids.Add(whole);
                continue;
            }

            symbols.Clear();
            if (Kind == DecoderKind.ByteLevel) AddBytes(word, symbols);
            else AddCharacters(word, symbols);
            BpeMerger.Merge(symbols, _model.Merges);
            ids.AddRange(symbols);
        }
    }

    private void AddBytes(string word, List<int> symbols)
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in word.EnumerateRunes())
        {
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                if (_byteIds[b] >= 0) symbols.Add(_byteIds[b]);
            }
        }
    }

    private void AddCharacters(string word, List<int> symbols)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var lastUnknown = false;
        foreach (var rune in word.EnumerateRunes())
        {
            if (_runeIds.TryGetValue(rune.Value, out var id))
            {
                symbols.Add(id);
                lastUnknown = false;
                continue;
            }

            var bytes = utf8[..rune.EncodeToUtf8(utf8)];
            if (_model.ByteFallback && AllKnown(bytes))
            {
                foreach (var b in bytes) symbols.Add(_byteIds[b]);
                lastUnknown = false;
            }
            else if (_model.UnknownId is { } unknown && !(lastUnknown && _model.FuseUnknown))
            {
                symbols.Add(unknown);
                lastUnknown = true;
            }
        }
    }

    private bool AllKnown(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (_byteIds[b] < 0) return false;
        }

        return true;
    }

    private int? ByteId(byte b) =>
        _model.Vocabulary.TryGetValue(Kind == DecoderKind.ByteLevel ? ByteLevel.Encode(b).ToString() : ByteToken.Name(b), out var id) ? id
            : null;

    // An id far beyond the number of tokens is damage; the table of tokens would be allocated for it.
    private static int Size(TokenizerModel model)
    {
        var count = model.Vocabulary.Count + model.Added.Count;
        var limit = 4L * count + 65536;
        var max = -1;
        foreach (var (token, id) in model.Vocabulary.Select(v => (v.Key, v.Value)).Concat(model.Added.Select(a => (a.Content, a.Id))))
        {
            if (id < 0 || id > limit)
                throw new TokenizerException(
                    $"The token '{token}' has the id {id}, but there are {count} tokens; the tokenizer's files are damaged.");
            max = Math.Max(max, id);
        }

        return max >= 0 ? max + 1 : throw new TokenizerException("The tokenizer's vocabulary is empty.");
    }
}
