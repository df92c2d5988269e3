using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Orleans.Hosting;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>A database of its own for a cluster's membership, which can be restarted.</summary>
internal sealed class Storage : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly int _port;
    private readonly string _address;
    private Process? _process;

    private Storage(string kind, string address)
    {
        (Kind, _address) = (kind, address);
        _port = Ports.Next();
        // Short, because a socket's path is.
        _folder = Directory.CreateTempSubdirectory("d2p-");
    }

    public string Kind { get; }

    public string Cluster { get; } = Guid.NewGuid().ToString("N");

    public string Connection => Kind == "redis" ? string.Create(CultureInfo.InvariantCulture, $"{_address}:{_port},abortConnect=false")
        : string.Create(CultureInfo.InvariantCulture, $"Host={_address};Port={_port};Username=orleans;Database=postgres");

    /// <summary>Starts one; the test is skipped where its program is not installed.</summary>
    /// <param name="kind">redis or postgres.</param>
    /// <param name="address">Where it listens; whoever reaches it may use it.</param>
    public static async Task<Storage> StartAsync(string kind, string address = "127.0.0.1")
    {
        var program = kind == "redis" ? Find("redis-server") : Find("initdb");
        Skip.If(program is null, $"{(kind == "redis" ? "redis-server" : "postgresql")} is not installed; .ci/run installs it.");
        var storage = new Storage(kind, address);
        if (kind == "postgres")
        {
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(storage._folder.FullName, (UnixFileMode)0b111_111_111);
            await RunAsync(Postgres(Find("initdb")!, "-D", storage.Data, "-U", "orleans", "-A", "trust", "--no-sync"));
            // Its own rule trusts this machine's loopback alone.
            await File.AppendAllTextAsync(Path.Combine(storage.Data, "pg_hba.conf"), $"host all all {address}/24 trust\n");
        }

        await storage.BeginAsync();
        if (kind == "postgres") await storage.PrepareAsync();
        return storage;
    }

    /// <summary>Ends it and begins it again, with its data.</summary>
    public async Task RestartAsync(TimeSpan away)
    {
        await EndAsync();
        await Task.Delay(away);
        await BeginAsync();
    }

    public void Use(IClientBuilder client)
    {
        if (Kind == "redis") client.UseRedisClustering(Connection);
        else client.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = ("Npgsql", Connection));
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Files of another user; the system cleans its temporary folder.
        }
    }

    private string Data => Path.Combine(_folder.FullName, "data");

    private async Task BeginAsync()
    {
        var port = _port.ToString(CultureInfo.InvariantCulture);
        _process = Process.Start(Kind == "redis"
            ? Start(Find("redis-server")!, "--port", port, "--bind", _address, "--protected-mode", "no", "--dir", _folder.FullName,
                "--appendonly", "yes")
            : Postgres(Find("postgres")!, "-D", Data, "-p", port, "-h", _address, "-k", _folder.FullName, "-c", "fsync=off"))!;
        // What it says goes nowhere, but must not fill a pipe.
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        for (var i = 0; ; i++)
        {
            try
            {
                using var client = new System.Net.Sockets.TcpClient();
                await client.ConnectAsync(_address, _port);
                if (Kind == "postgres")
                {
                    await using var connection = new NpgsqlConnection(Connection + ";Pooling=false");
                    await connection.OpenAsync();
                }

                return;
            }
            catch (Exception e) when (i < 300 && e is System.Net.Sockets.SocketException or NpgsqlException)
            {
                await Task.Delay(100);
            }
        }
    }

    private async Task EndAsync()
    {
        if (_process is null) return;
        // Politely: both write what they have. SIGINT is PostgreSQL's fast end.
        if (Kind == "redis") await RunAsync(Start("kill", "-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)));
        else await RunAsync(Postgres(Find("pg_ctl")!, "stop", "-D", Data, "-m", "fast"));
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        _process.Dispose();
        _process = null;
    }

    private async Task PrepareAsync()
    {
        await using var connection = new NpgsqlConnection(Connection + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            await File.ReadAllTextAsync(Path.Combine(BuiltFolders.Root, "tests", "Orleans", "Real", "membership.sql")), connection);
        await command.ExecuteNonQueryAsync();
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Concat(Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")) : [])
        .Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);

    // PostgreSQL refuses to run as root.
    private static ProcessStartInfo Postgres(string program, params string[] arguments) => Environment.UserName == "root"
        ? Start("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", program, .. arguments]) : Start(program, arguments);

    private static ProcessStartInfo Start(string program, params string[] arguments) =>
        new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };

    private static async Task RunAsync(ProcessStartInfo start)
    {
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{start.FileName} {string.Join(' ', start.ArgumentList)}: {await output}{await errors}");
    }
}
