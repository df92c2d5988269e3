using System.Buffers;
using System.Text;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>A tokenizer's tokens as bytes, prepared for masks. Made once a model. For one thread at a time.</summary>
internal sealed class TokenVocabulary
{
    private readonly byte[]?[] _bytes;
    private readonly ulong[]?[] _plain;
    private readonly List<(int Id, int Characters)> _plainTokens = [];

    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="stopIds">Ids that end an answer; never part of one, whatever their text.</param>
    public TokenVocabulary(ITokenizer tokenizer, IReadOnlySet<int> stopIds)
    {
        StopIds = stopIds;
        Size = Math.Max(tokenizer.VocabularySize, stopIds.DefaultIfEmpty(-1).Max() + 1);
        Words = (Size + 63) / 64;
        _bytes = new byte[Size][];
        Silent = new ulong[Words];
        var all = new List<(int, byte[])>(Size);
        for (var id = 0; id < Size; id++)
        {
            if (stopIds.Contains(id)) continue;
            if (tokenizer.TokenBytes(id) is { Length: > 0 } bytes)
            {
                _bytes[id] = bytes;
                all.Add((id, bytes));
                if (bytes.Length == 1) SingleBytes = SingleBytes.With(bytes[0]);
            }
            else
            {
                Silent[id >> 6] |= 1UL << (id & 63);
            }
        }

        var rest = new List<(int, byte[])>();
        foreach (var (id, bytes) in all)
        {
            if (PlainCharacters(bytes) is { } n) _plainTokens.Add((id, n));
            else rest.Add((id, bytes));
        }

        All = new TokenTrie(all);
        NotPlain = new TokenTrie(rest);
        LongestPlain = _plainTokens.Count == 0 ? 0 : _plainTokens.Max(t => t.Characters);
        _plain = new ulong[LongestPlain + 1][];
    }

    /// <summary>Bytes that may begin a plain character: all but control bytes, the quote and the backslash.</summary>
    public static ByteSet PlainStart { get; } = ByteSet.Range(0x20, 0xFF).Except(ByteSet.Of("\"\\"));

    /// <summary>Number of ids that masks know; larger ones have no text.</summary>
    public int Size { get; }

    /// <summary>Words of a mask.</summary>
    public int Words { get; }

    public IReadOnlySet<int> StopIds { get; }

    /// <summary>Bytes that have a token of their own: all 256 in real vocabularies.</summary>
    public ByteSet SingleBytes { get; }

    /// <summary>Every token with text.</summary>
    public TokenTrie All { get; }

    /// <summary>Tokens that are not whole plain characters of a JSON string.</summary>
    public TokenTrie NotPlain { get; }

    /// <summary>Most characters of a plain token.</summary>
    public int LongestPlain { get; }

    /// <summary>Tokens without text that are no stop ids.</summary>
    public ulong[] Silent { get; }

    /// <summary>A token's bytes; null where it has none.</summary>
    public byte[]? Bytes(int id) => (uint)id < (uint)_bytes.Length ? _bytes[id] : null;

    /// <summary>The plain tokens of at most so many characters.</summary>
    public ulong[] Plain(int characters)
    {
        var n = Math.Min(characters, LongestPlain);
        if (_plain[n] is { } known) return known;
        var mask = new ulong[Words];
        foreach (var (id, length) in _plainTokens)
        {
            if (length <= n) mask[id >> 6] |= 1UL << (id & 63);
        }

        return _plain[n] = mask;
    }

    /// <summary>Fewest tokens that spell a text from each of its positions on.</summary>
    public int[] SpellingCosts(byte[] text)
    {
        var costs = new int[text.Length + 1];
        for (var i = text.Length - 1; i >= 0; i--)
        {
            costs[i] = GrammarCosts.Infinite;
            foreach (var n in All.Prefixes(text.AsMemory(i))) costs[i] = Math.Min(costs[i], GrammarCosts.Add(costs[i + n], 1));
        }

        return costs;
    }

    // Null: not whole characters, or some that a JSON string must escape.
    private int? PlainCharacters(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (!PlainStart.Contains(b) || !SingleBytes.Contains(b)) return null;
        }

        var characters = 0;
        while (bytes.Length > 0)
        {
            if (Rune.DecodeFromUtf8(bytes, out _, out var n) != OperationStatus.Done) return null;
            bytes = bytes[n..];
            characters++;
        }

        return characters;
    }
}
