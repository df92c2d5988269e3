namespace D2Pruner.AI.Orleans.Workers;

/// <summary>The images that were asked about last.</summary>
internal sealed class RecentImages(int capacity)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<ulong> _order = [];
    private readonly Dictionary<ulong, LinkedListNode<ulong>> _nodes = [];

    public void Add(ulong image)
    {
        lock (_gate)
        {
            if (_nodes.Remove(image, out var known)) _order.Remove(known);
            _nodes[image] = _order.AddFirst(image);
            if (_order.Count <= capacity) return;
            _nodes.Remove(_order.Last!.Value);
            _order.RemoveLast();
        }
    }

    public ulong[] ToArray()
    {
        lock (_gate) return [.. _order];
    }
}
