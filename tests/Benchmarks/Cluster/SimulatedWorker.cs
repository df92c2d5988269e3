namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>A worker: slots, a line, and caches that forget the image longest unused.</summary>
internal sealed class SimulatedWorker(int id, int capacity)
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

    public bool Holds(int image) => _cached.ContainsKey(image);

    /// <summary>Uses an image.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Use(int image)
    {
        var hit = _cached.Remove(image, out var node);
        if (hit) _order.Remove(node!);
        _cached[image] = _order.AddFirst(image);
        if (_order.Count > capacity)
        {
            _cached.Remove(_order.Last!.Value);
            _order.RemoveLast();
        }

        return hit;
    }

    /// <summary>Dies: everything is lost.</summary>
    public void Clear()
    {
        _cached.Clear();
        _order.Clear();
        Waiting.Clear();
        Running.Clear();
    }
}
