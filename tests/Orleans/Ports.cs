using System.Net;
using System.Net.Sockets;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>Free neighbouring ports, each given once, outside the range that systems give to whoever asks for any.</summary>
internal static class Ports
{
    private static readonly HashSet<int> Given = [];

    /// <summary>The first of so many: two are a worker's, to others and to clients.</summary>
    public static int Next(int count = 2)
    {
        lock (Given)
        {
            while (true)
            {
                var first = Random.Shared.Next(20_000, 30_000);
                var ports = Enumerable.Range(first, count).ToList();
                if (ports.Any(Given.Contains) || !ports.TrueForAll(IsFree)) continue;
                Given.UnionWith(ports);
                return first;
            }
        }
    }

    // At every address of this machine: a worker in a network's place uses one of its own.
    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Any, port) { ExclusiveAddressUse = true };
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
