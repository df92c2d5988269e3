using System.Net;
using System.Net.Sockets;

namespace D2Pruner.AI;

/// <summary>Which addresses belong to the public internet (IANA special-purpose registries); unknown kinds do not.</summary>
internal static class AddressRules
{
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
                "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "5f00::/16", "fc00::/7", "fe80::/10",
            "fec0::/10", "ff00::/8",
        }.Select(n => IPNetwork.Parse(n)),
    ];

    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)) return false;
        if (Array.Exists(Special, n => n.Contains(address))) return false;
        if (address.AddressFamily == AddressFamily.InterNetwork) return true;
        // Tunnels carry an IPv4 address: NAT64 in the last four bytes, 6to4 behind its prefix.
        var b = address.GetAddressBytes();
        if (b is [0x00, 0x64, 0xff, 0x9b, ..]) return IsPublic(new IPAddress(b.AsSpan(12, 4)));
        if (b is [0x20, 0x02, ..]) return IsPublic(new IPAddress(b.AsSpan(2, 4)));
        return true;
    }
}
