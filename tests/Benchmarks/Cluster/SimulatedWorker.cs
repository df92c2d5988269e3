namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>A worker: slots, a line, and caches that forget the image longest unused.</summary>
/// <param name="id">Its number.</param>
/// <param name="capacity">Images that its caches hold.</param>
/// <param name="holders">Who holds each image, kept by all workers together, so that nobody has to ask every one.</param>
internal sealed class SimulatedWorker(int id, int capacity, List<SimulatedWorker>[] holders)
{
    private readonly Dictionary<int, LinkedListNode<int>> _cached = [];
    private readonly LinkedList<int> _order = [];

    public ulong Id { get; } = (ulong)id + 1;

    public Queue<SimulatedRequest> Waiting { get; } = new();

    public HashSet<SimulatedRequest> Running { get; } = [];

    public int Load => Waiting.Count + Running.Count;

    /// <summary>Its load as the others know it.</summary>
    public int ToldLoad { get; set; }

    public bool Alive { get; set; } = true;

    public int Answers { get; set; }

    /// <summary>Where it stands among the candidates; -1 where it is none.</summary>
    public int Place { get; set; }

    /// <summary>Uses an image.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Use(int image)
    {
        var hit = _cached.Remove(image, out var node);
        if (hit) _order.Remove(node!);
        else holders[image].Add(this);
        _cached[image] = _order.AddFirst(image);
        if (_order.Count > capacity)
        {
            holders[_order.Last!.Value].Remove(this);
            _cached.Remove(_order.Last.Value);
            _order.RemoveLast();
        }

        return hit;
    }

    /// <summary>Dies: everything is lost.</summary>
    public void Clear()
    {
        foreach (var image in _order) holders[image].Remove(this);
        _cached.Clear();
        _order.Clear();
        Waiting.Clear();
        Running.Clear();
    }
}
