using System.Net;
using System.Net.Sockets;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>Free ports of the loopback address, each given once.</summary>
internal static class Ports
{
    private static readonly HashSet<int> Given = [];

    public static int Next()
    {
        lock (Given)
        {
            while (true)
            {
                var listener = new TcpListener(IPAddress.Loopback, 0);
                listener.Start();
                var port = ((IPEndPoint)listener.LocalEndpoint).Port;
                listener.Stop();
                if (Given.Add(port) & Given.Add(port + 1)) return port;
            }
        }
    }
}
