using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>One byte-pair tokenizer for every supported vocabulary: the files decide normalisation, splitting, merges and decoding.</summary>
internal sealed class BpeTokenizer : ITokenizer
{
    private readonly Dictionary<string, int> _ids;
    private readonly string?[] _tokens;
    private readonly HashSet<int> _special;
    private readonly AddedTokenSplitter _splitter;
    private readonly TokenizerModel _model;
    private readonly int[] _byteIds;

    public BpeTokenizer(TokenizerModel model)
    {
        _model = model;
        _ids = model.Vocabulary;
        var size = Math.Max(_ids.Count == 0 ? 0 : _ids.Values.Max() + 1, model.Added.Count == 0 ? 0 : model.Added.Max(a => a.Id) + 1);
        _tokens = new string?[size];
        foreach (var (token, id) in _ids) _tokens[id] = token;
        foreach (var a in model.Added) _tokens[a.Id] = a.Content;
        _special = [.. model.Added.Where(a => a.Special).Select(a => a.Id)];
        _splitter = new AddedTokenSplitter(model.Added);
        _byteIds = new int[256];
        for (var b = 0; b < 256; b++) _byteIds[b] = model.ByteFallback && _ids.TryGetValue(ByteToken.Name((byte)b), out var id) ? id : -1;
    }

    public int VocabularySize => _tokens.Length;

    internal DecoderKind Kind => _model.Decoder;

    internal bool StripsLeadingSpace => _model.StripsLeadingSpace;

    public int[] Encode(string text, bool addSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>();
        if (addSpecialTokens) ids.AddRange(_model.Prefix);
        foreach (var (token, start, length) in _splitter.Split(text))
        {
            if (token is not null)
            {
                ids.Add(token.Id);
                continue;
            }

            foreach (var word in _model.Split(text.Substring(start, length), start == 0)) AddWord(word, ids);
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

    public IncrementalDecoder CreateDecoder(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    public int? TokenToId(string token) =>
        _model.Added.FirstOrDefault(a => a.Content == token)?.Id ?? (_ids.TryGetValue(token, out var id) ? id : null);

    public string? IdToToken(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    public bool IsSpecial(int id) => _special.Contains(id);

    private void AddWord(string word, List<int> ids)
    {
        if (word.Length == 0) return;
        if (_model.IgnoreMerges && _ids.TryGetValue(word, out var whole))
        {
            ids.Add(whole);
            return;
        }

        var symbols = new List<int>(word.Length);
        Span<byte> utf8 = stackalloc byte[4];
        var lastUnknown = false;
        foreach (var rune in word.EnumerateRunes())
        {
            if (_ids.TryGetValue(rune.ToString(), out var id))
            {
                symbols.Add(id);
                lastUnknown = false;
                continue;
            }

            var bytes = utf8[..rune.EncodeToUtf8(utf8)];
            if (AllKnown(bytes))
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

        BpeMerger.Merge(symbols, _model.Merges);
        ids.AddRange(symbols);
    }

    private bool AllKnown(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (_byteIds[b] < 0) return false;
        }

        return true;
    }
}
