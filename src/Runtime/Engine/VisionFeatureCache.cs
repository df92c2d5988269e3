using System.Security.Cryptography;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Prompts;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>
/// Unpruned features of recent images, least recently used out first, bounded in bytes. Pruning comes later and depends on the question, so
/// that a second question about an image skips decoding, resizing and the tower, and prunes anew. Safe for concurrent use: what is leased
/// stays until its last lease ends, whatever the bound says.
/// </summary>
internal sealed class VisionFeatureCache(long capacity, string processor) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _order = [];
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>Bytes held.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Key of an image: its encoded bytes, and what the processor and tower make of them.</summary>
    public string Key(ReadOnlySpan<byte> image) => Convert.ToHexString(SHA256.HashData(image)) + processor;

    /// <summary>Looks an image up.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="clsAttention">CLS attention is needed too, where the tower has any.</param>
    /// <param name="maxPixels">The request's limit, which holds for cached images as well.</param>
    public Lease? Find(string key, bool clsAttention, long maxPixels)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var node)) return null;
            var entry = node.Value;
            if (clsAttention && !entry.HasCls || (long)entry.Image.OriginalWidth * entry.Image.OriginalHeight > maxPixels) return null;
            _order.Remove(node);
            _order.AddFirst(node);
            entry.Users++;
            return new Lease(this, entry);
        }
    }

    /// <summary>Takes a copy of an image's features.</summary>
    /// <param name="key">The image's key.</param>
    /// <param name="image">Its plan.</param>
    /// <param name="output">What the tower made of it.</param>
    /// <param name="clsAttention">Whether CLS attention was asked for.</param>
    public void Add(string key, ImagePlan image, VisionOutput output, bool clsAttention)
    {
        var bytes = output.Features.numel() * output.Features.element_size() + 4L * (output.ClsAttention?.Length ?? 0) + 512;
        if (bytes > capacity || output.Levels is not null) return;
        lock (_gate)
        {
            Remove(key);
            while (_order.Last is { } oldest && _bytes + bytes > capacity) Remove(oldest.Value.Key);
            // A copy of its own: a tower's output may be a view that keeps a larger block alive.
            var features = output.Features.clone().DetachFromDisposeScope();
            _entries[key] = _order.AddFirst(new Entry(key, image, output with { Features = features }, clsAttention, bytes));
            Interlocked.Add(ref _bytes, bytes);
        }
    }

    /// <summary>Empties the cache.</summary>
    /// <returns>Bytes set free, or to be free when their leases end.</returns>
    public long Clear()
    {
        lock (_gate)
        {
            var before = _bytes;
            while (_order.First is { } first) Remove(first.Value.Key);
            return before;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void Remove(string key)
    {
        if (!_entries.Remove(key, out var node)) return;
        _order.Remove(node);
        Interlocked.Add(ref _bytes, -node.Value.Bytes);
        node.Value.IsGone = true;
        if (node.Value.Users == 0) node.Value.Output.Features.Dispose();
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            if (--entry.Users == 0 && entry.IsGone) entry.Output.Features.Dispose();
        }
    }

    /// <summary>The use of cached features by one request.</summary>
    internal sealed class Lease : IDisposable
    {
        private readonly VisionFeatureCache _cache;
        private Entry? _entry;

        internal Lease(VisionFeatureCache cache, object entry) =>
            (_cache, _entry, Image, Output) = (cache, (Entry)entry, ((Entry)entry).Image, ((Entry)entry).Output);

        public ImagePlan Image { get; }

        public VisionOutput Output { get; }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _entry, null) is { } entry) _cache.Release(entry);
        }
    }

    private sealed record Entry(string Key, ImagePlan Image, VisionOutput Output, bool HasCls, long Bytes)
    {
        public int Users { get; set; }

        public bool IsGone { get; set; }
    }
}
