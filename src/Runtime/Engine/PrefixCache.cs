using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Prompts;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>
/// Beginnings of recent prompts, least recently used out first, bounded in bytes. By causality they are the same whatever follows; a
/// request takes the longest one that it shares, never cut inside an image. One engine's model and type; its thread
/// uses it, its numbers may be read by any.
/// </summary>
internal sealed class PrefixCache(long capacity) : IDisposable
{
    /// <summary>Below this a copy is not worth its trouble.</summary>
    public const int LeastTokens = 8;

    private readonly LinkedList<Entry> _order = [];
    private long _bytes;
    private long _queries;
    private long _hits;

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Prompt tokens looked up.</summary>
    public long Queries => Interlocked.Read(ref _queries);

    /// <summary>Those found.</summary>
    public long Hits => Interlocked.Read(ref _hits);

    public int Count => _order.Count;

    public bool IsOn => capacity > 0;

    /// <summary>A prompt's identity token by token: its ids, with each image's own hash in place of its placeholders.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="imageKeys">Per image its key.</param>
    public static long[] KeyOf(EncodedPrompt prompt, IReadOnlyList<string> imageKeys)
    {
        var key = (long[])prompt.TokenIds.Clone();
        for (var i = 0; i < imageKeys.Count; i++)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes(imageKeys[i]));
            // Two halves in turn: 126 bits tell images apart. Negative, so that no id equals them.
            var (even, odd) = (BitConverter.ToInt64(hash, 0) | long.MinValue, BitConverter.ToInt64(hash, 8) | long.MinValue);
            foreach (var p in prompt.VisualPositions[i]) key[p] = (p & 1) == 0 ? even : odd;
        }

        return key;
    }

    /// <summary>The longest usable beginning; it stays until the lease ends, whatever the bound says.</summary>
    /// <param name="key">The prompt's key.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="layers">K of the first prune point, L where nothing is pruned.</param>
    /// <param name="frozen">Identity of the pruning whose frozen beginnings are wanted; null for exact ones.</param>
    public PrefixLease? Find(long[] key, EncodedPrompt prompt, int layers, string? frozen)
    {
        LinkedListNode<Entry>? best = null;
        var length = LeastTokens - 1;
        // Frozen beginnings hold chosen tokens of their images only: all the prompt's images must be among them.
        var least = frozen is null ? 0 : prompt.VisualPositions.Select(p => p[^1] + 1).DefaultIfEmpty(0).Max();
        for (var node = _order.First; node is not null; node = node.Next)
        {
            var entry = node.Value;
            if (entry.Prefix.Layers != layers || entry.Frozen != frozen) continue;
            var shared = OutsideImages(Math.Min(Shared(entry.Key, key), prompt.Length - 1), prompt);
            if (shared <= length || shared < least) continue;
            (best, length) = (node, shared);
        }

        if (best is null) return null;
        _order.Remove(best);
        _order.AddFirst(best);
        best.Value.Users++;
        return new PrefixLease(new PrefixUse(best.Value.Prefix, length), best.Value.Turn, () => Release(best.Value));
    }

    /// <summary>Notes what a request asked for and got.</summary>
    public void Note(int tokens, int found)
    {
        Interlocked.Add(ref _queries, tokens);
        Interlocked.Add(ref _hits, found);
    }

    /// <summary>Takes a beginning over; what it makes superfluous goes. Too large ones are disposed at once.</summary>
    /// <param name="key">Identity of its tokens, as many as it has.</param>
    /// <param name="prefix">The beginning; owned by the cache from now on.</param>
    /// <param name="frozen">Identity of its pruning, where its tokens are a choice.</param>
    /// <param name="turn">The turn that chose.</param>
    public void Add(long[] key, PromptPrefix prefix, string? frozen = null, int turn = 0)
    {
        var entry = new Entry(key, prefix, frozen, turn) { Bytes = SizeOf(key, prefix) };
        if (entry.Bytes > capacity)
        {
            prefix.Dispose();
            return;
        }

        for (var node = _order.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Prefix.Layers == prefix.Layers && node.Value.Frozen == frozen
                && Shared(node.Value.Key, key) == node.Value.Key.Length) Remove(node);
            node = next;
        }

        while (_order.Last is { } oldest && _bytes + entry.Bytes > capacity) Remove(oldest);
        _order.AddFirst(entry);
        Interlocked.Add(ref _bytes, entry.Bytes);
    }

    /// <summary>Empties it.</summary>
    /// <returns>Bytes set free.</returns>
    public long Clear()
    {
        var before = Bytes;
        while (_order.First is { } first) Remove(first);
        return before;
    }

    public void Dispose() => Clear();

    private void Remove(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        Interlocked.Add(ref _bytes, -node.Value.Bytes);
        node.Value.IsGone = true;
        if (node.Value.Users == 0) node.Value.Prefix.Dispose();
    }

    private void Release(Entry entry)
    {
        if (--entry.Users > 0) return;
        // Between the slices of a prompt that uses it, an answer may end and push it out.
        if (entry.IsGone)
        {
            entry.Prefix.Dispose();
            return;
        }

        // What is known of its images may have become more.
        var bytes = SizeOf(entry.Key, entry.Prefix);
        Interlocked.Add(ref _bytes, bytes - entry.Bytes);
        entry.Bytes = bytes;
        while (_order.Last is { } oldest && _bytes > capacity) Remove(oldest);
    }

    private static long SizeOf(long[] key, PromptPrefix prefix) => prefix.Bytes + 8L * key.Length;

    private static int Shared(long[] a, long[] b) => a.AsSpan().CommonPrefixLength(b);

    // A cut inside an image would keep half of it: the whole image is read again.
    private static int OutsideImages(int length, EncodedPrompt prompt)
    {
        foreach (var places in prompt.VisualPositions)
        {
            if (places.Length > 0 && places[0] < length && places[^1] >= length) length = places[0];
        }

        return length;
    }

    private sealed record Entry(long[] Key, PromptPrefix Prefix, string? Frozen, int Turn)
    {
        public long Bytes { get; set; }

        public int Users { get; set; }

        public bool IsGone { get; set; }
    }
}
