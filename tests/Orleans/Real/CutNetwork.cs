using System.Diagnostics;
using System.Globalization;
using System.Net.NetworkInformation;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>Network namespaces on this machine, joined by a bridge; each one's cable can be pulled out and put in again.</summary>
internal sealed class CutNetwork : IDisposable
{
    // A device's name has at most fifteen characters.
    private const string Prefix = "d2p";
    private readonly string _name = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}");
    private readonly string _subnet = FreeSubnet();
    private readonly int _places;

    private CutNetwork(int places) => _places = places;

    /// <summary>This side's address.</summary>
    public string Address => _subnet + "1";

    /// <summary>Makes one; the test is skipped where that is not possible.</summary>
    public static CutNetwork Create(int places)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Network namespaces are Linux'.");
        Skip.IfNot(Environment.IsPrivilegedProcess, "Network namespaces are made by root only.");
        RemoveLeftOvers();
        var network = new CutNetwork(places);
        try
        {
            network.Make();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            network.Dispose();
            Skip.If(true, $"This machine makes no network namespaces: {e.Message}");
        }

        return network;
    }

    /// <summary>The n-th namespace's name, for <c>ip netns exec</c>.</summary>
    public string Place(int n) => Text($"{_name}-{n}");

    /// <summary>The n-th namespace's address.</summary>
    public string AddressOf(int n) => Text($"{_subnet}{n + 2}");

    /// <summary>Pulls the n-th namespace's cable out.</summary>
    public void Cut(int n) => Ip("link", "set", Cable(n), "down");

    /// <summary>Puts it in again.</summary>
    public void Heal(int n) => Ip("link", "set", Cable(n), "up");

    // A cable goes with its namespace.
    public void Dispose()
    {
        for (var n = 0; n < _places; n++) TryIp("netns", "del", Place(n));
        TryIp("link", "del", Bridge);
    }

    private string Bridge => _name + "b";

    private string Cable(int n) => Text($"{_name}v{n}");

    private void Make()
    {
        Ip("link", "add", Bridge, "type", "bridge");
        Ip("addr", "add", Address + "/24", "dev", Bridge);
        Ip("link", "set", Bridge, "up");
        for (var n = 0; n < _places; n++)
        {
            var place = Place(n);
            Ip("netns", "add", place);
            Ip("link", "add", Cable(n), "type", "veth", "peer", "name", "eth0", "netns", place);
            Ip("link", "set", Cable(n), "master", Bridge);
            Ip("link", "set", Cable(n), "up");
            Ip("-n", place, "addr", "add", AddressOf(n) + "/24", "dev", "eth0");
            Ip("-n", place, "link", "set", "eth0", "up");
            Ip("-n", place, "link", "set", "lo", "up");
            Ip("netns", "exec", place, "true");
        }
    }

    // A test host that was killed could not clean up.
    private static void RemoveLeftOvers()
    {
        if (!Directory.Exists("/run/netns")) return;
        foreach (var place in Directory.GetFiles("/run/netns", Prefix + "*-*").Select(f => Path.GetFileName(f)))
        {
            var process = place[Prefix.Length..place.IndexOf('-', StringComparison.Ordinal)];
            if (!int.TryParse(process, CultureInfo.InvariantCulture, out _) || Directory.Exists("/proc/" + process)) continue;
            TryIp("netns", "del", place);
            TryIp("link", "del", Text($"{Prefix}{process}b"));
        }
    }

    private static string FreeSubnet()
    {
        var used = NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address.ToString()).ToList();
        return Enumerable.Range(0, 250).Select(i => Text($"10.231.{(Environment.ProcessId + i) % 250}."))
            .First(s => !used.Exists(a => a.StartsWith(s, StringComparison.Ordinal)));
    }

    private static void TryIp(params string[] arguments)
    {
        try
        {
            Ip(arguments);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It was not made, or is gone already.
        }
    }

    private static void Ip(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {errors.Trim()}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
