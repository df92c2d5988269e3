using D2Pruner.AI.Runtime.Prompts;
using System.Security.Cryptography;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Runtime;

/// <summary>
/// Unpruned features of recent pictures, least recently used out first, bounded in bytes. Pruning comes later and depends on the question,
/// so that a second question about a picture skips decoding, resizing and the tower, and prunes anew. The engine's thread uses it.
/// </summary>
internal sealed class VisionFeatureCache(long capacity, string processor) : IDisposable
{
    private readonly LinkedList<Entry> _order = [];
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>Bytes held; may be read from any thread.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Pictures held.</summary>
    public int Count => _entries.Count;

    /// <summary>Key of a picture: its encoded bytes, and what the processor and tower make of them.</summary>
    public string Key(ReadOnlySpan<byte> picture) => Convert.ToHexString(SHA256.HashData(picture)) + processor;

    /// <summary>Looks a picture up.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="clsAttention">CLS attention is needed too, where the tower has any.</param>
    /// <param name="maxPixels">The request's limit, which holds for cached pictures as well.</param>
    public (ProcessedImage Image, VisionOutput Output)? Find(string key, bool clsAttention, long maxPixels)
    {
        if (!_entries.TryGetValue(key, out var node)) return null;
        var entry = node.Value;
        if (clsAttention && !entry.HasCls || (long)entry.Image.OriginalWidth * entry.Image.OriginalHeight > maxPixels) return null;
        _order.Remove(node);
        _order.AddFirst(node);
        return (entry.Image, entry.Output);
    }

    /// <summary>Takes a copy of a picture's features; call it when the request no longer needs what it found, because older pictures may go.</summary>
    /// <param name="key">The picture's key.</param>
    /// <param name="image">The processed picture; its pixels are not kept.</param>
    /// <param name="output">What the tower made of it.</param>
    /// <param name="clsAttention">Whether CLS attention was asked for.</param>
    public void Add(string key, ProcessedImage image, VisionOutput output, bool clsAttention)
    {
        var bytes = output.Features.numel() * output.Features.element_size() + 4L * (output.ClsAttention?.Length ?? 0) + 512;
        if (bytes > capacity) return;
        Remove(key);
        while (_order.Last is { } oldest && _bytes + bytes > capacity) Remove(oldest.Value.Key);
        // A copy of its own: a tower's output may be a view that keeps a larger block alive.
        var features = output.Features.clone().DetachFromDisposeScope();
        var plan = new ProcessedImage(image, [], [0], [], [0]);
        _entries[key] = _order.AddFirst(new Entry(key, plan, output with { Features = features }, clsAttention, bytes));
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>Empties the cache.</summary>
    /// <returns>Bytes set free.</returns>
    public long Clear()
    {
        var before = Bytes;
        while (_order.First is { } first) Remove(first.Value.Key);
        return before;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private void Remove(string key)
    {
        if (!_entries.Remove(key, out var node)) return;
        _order.Remove(node);
        Interlocked.Add(ref _bytes, -node.Value.Bytes);
        node.Value.Output.Features.Dispose();
    }

    private sealed record Entry(string Key, ProcessedImage Image, VisionOutput Output, bool HasCls, long Bytes);
}
