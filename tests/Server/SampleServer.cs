using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>samples/Server as a process of its own, at a free port of the loopback address.</summary>
internal sealed partial class SampleServer : IAsyncDisposable
{
    private readonly Process _process;

    private SampleServer(Process process, Uri address)
    {
        _process = process;
        Http = new HttpClient { BaseAddress = address };
    }

    public HttpClient Http { get; }

    /// <summary>How it ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts it and waits until its model is loaded.</summary>
    /// <param name="environment">Variables besides those of the tests' own process.</param>
    /// <param name="cancellationToken">Ends the patience.</param>
    /// <param name="arguments">Its arguments.</param>
    public static async Task<SampleServer> StartAsync(
        IEnumerable<KeyValuePair<string, string>> environment, CancellationToken cancellationToken, params string[] arguments)
    {
        var built = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var program = Path.Combine(Repository.Root, "samples", "Server", "bin", built.Parent!.Name, built.Name, "Server.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = Process.Start(start)!;
        try
        {
            var lines = new List<string>();
            while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
            {
                lines.Add(line);
                if (Listening().Match(line) is not { Success: true } match) continue;
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
                var server = new SampleServer(process, new Uri(match.Groups[1].Value));
                while (!(await server.Http.GetAsync("health/ready", cancellationToken)).IsSuccessStatusCode)
                    await Task.Delay(50, cancellationToken);
                return server;
            }

            throw new InvalidOperationException($"The server did not start:\n{string.Join("\n", lines)}\n"
                + await process.StandardError.ReadToEndAsync(cancellationToken));
        }
        catch
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    /// <summary>Asks it to end, as a container's engine does, and waits for that.</summary>
    public async Task TerminateAsync(CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellationToken);
        Assert.Equal(0, kill.ExitCode);
        await _process.WaitForExitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    [GeneratedRegex(@"^Listening at (http://127\.0\.0\.1:\d+) ")]
    private static partial Regex Listening();
}
