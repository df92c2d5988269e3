using System.Numerics;

namespace D2Pruner.AI.Pruning;

/// <summary>A symmetric graph without loops over N tokens, one bit per ordered pair: N * ceil(N / 64) words.</summary>
internal sealed class AdjacencyBits
{
    private readonly ulong[] _words;

    public AdjacencyBits(int count)
    {
        Count = count;
        WordsPerRow = (count + 63) / 64;
        _words = new ulong[(long)count * WordsPerRow];
    }

    public int Count { get; }

    public int WordsPerRow { get; }

    /// <summary>Undirected edges.</summary>
    public long Edges => _words.Sum(w => (long)BitOperations.PopCount(w)) / 2;

    public ReadOnlySpan<ulong> Row(int i) => _words.AsSpan(i * WordsPerRow, WordsPerRow);

    public bool Has(int i, int j) => (_words[i * WordsPerRow + (j >> 6)] >> j & 1) != 0;

    /// <summary>Adds the edge i - j.</summary>
    public void Add(int i, int j)
    {
        if (i == j) return;
        _words[i * WordsPerRow + (j >> 6)] |= 1UL << j;
        _words[j * WordsPerRow + (i >> 6)] |= 1UL << i;
    }

    /// <summary>Adds edges from i to every j &gt; i whose bit is set; bit b of <paramref name="bits"/> is token 64 *
    /// firstWord + b, other bits are ignored.</summary>
    public void AddUpper(int i, int firstWord, ReadOnlySpan<ulong> bits)
    {
        for (var w = Math.Max(0, (i >> 6) - firstWord); w < bits.Length; w++)
        {
            var word = bits[w];
            var at = (firstWord + w) * 64;
            if (at <= i) word &= i - at == 63 ? 0 : ulong.MaxValue << (i - at + 1);
            if (at + 64 > Count) word &= ulong.MaxValue >> (at + 64 - Count);
            _words[i * WordsPerRow + firstWord + w] |= word;
            for (; word != 0; word &= word - 1)
            {
                var j = at + BitOperations.TrailingZeroCount(word);
                _words[j * WordsPerRow + (i >> 6)] |= 1UL << i;
            }
        }
    }

    /// <summary>Joins every two tokens.</summary>
    public void Complete()
    {
        for (var i = 0; i < Count; i++)
        {
            for (var w = 0; w < WordsPerRow; w++)
            {
                var word = ulong.MaxValue;
                if (w * 64 + 64 > Count) word >>= w * 64 + 64 - Count;
                if (w == i >> 6) word &= ~(1UL << i);
                _words[i * WordsPerRow + w] = word;
            }
        }
    }
}
