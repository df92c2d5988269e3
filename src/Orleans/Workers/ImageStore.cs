using D2Pruner.AI.Orleans.Wire;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Orleans.Workers;

/// <summary>Encoded images by the hash of their bytes; the ones longest unused go first.</summary>
internal sealed class ImageStore(IOptions<D2PrunerWorkerOptions> options)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<(string Hash, byte[] Bytes)> _order = [];
    private readonly Dictionary<string, LinkedListNode<(string Hash, byte[] Bytes)>> _nodes = new(StringComparer.Ordinal);
    private long _bytes;
    private long _received;

    /// <summary>Images that were sent here.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Takes in what came along, and finds the rest.</summary>
    /// <param name="request">The request.</param>
    /// <param name="missing">Hashes of images that are not here.</param>
    /// <exception cref="ArgumentException">Bytes that are not those of their hash.</exception>
    public Dictionary<string, ReadOnlyMemory<byte>> Resolve(AnswerRequest request, out List<string> missing)
    {
        var images = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        missing = [];
        for (var i = 0; i < request.Images.Length; i++)
        {
            var hash = request.Images[i];
            var bytes = i < request.Bytes.Length ? request.Bytes[i] : null;
            if (bytes is not null) Keep(hash, bytes);
            else bytes = Find(hash);
            if (bytes is null) missing.Add(hash);
            else images[hash] = bytes;
        }

        return images;
    }

    private byte[]? Find(string hash)
    {
        lock (_gate)
        {
            if (!_nodes.TryGetValue(hash, out var node)) return null;
            _order.Remove(node);
            _order.AddFirst(node);
            return node.Value.Bytes;
        }
    }

    private void Keep(string hash, byte[] bytes)
    {
        var found = ImageHash.Of(bytes);
        if (found != hash)
            throw new ArgumentException($"An image came with the hash {hash}, but its bytes have {found}; it was damaged or exchanged.");
        Interlocked.Increment(ref _received);
        lock (_gate)
        {
            if (_nodes.ContainsKey(hash)) return;
            _nodes[hash] = _order.AddFirst((hash, bytes));
            _bytes += bytes.Length;
            while (_bytes > options.Value.ImageCacheBytes && _order.Last is { } last)
            {
                _order.RemoveLast();
                _nodes.Remove(last.Value.Hash);
                _bytes -= last.Value.Bytes.Length;
            }
        }
    }
}
