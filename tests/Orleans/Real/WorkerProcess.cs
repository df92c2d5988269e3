using System.Diagnostics;
using System.Globalization;

namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>A worker in a process of its own.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource<string> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _lines = [];

    private WorkerProcess(Process process, int place)
    {
        (_process, Place) = (process, place);
        void Read(object sender, DataReceivedEventArgs e)
        {
            if (e.Data is null) return;
            lock (_lines) _lines.Add(e.Data);
            if (e.Data.StartsWith("ready ", StringComparison.Ordinal)) _ready.TrySetResult(e.Data["ready ".Length..]);
        }

        process.OutputDataReceived += Read;
        process.ErrorDataReceived += Read;
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException($"A worker ended while starting:\n{Output}"));
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its place in a <see cref="CutNetwork"/>.</summary>
    public int Place { get; }

    public string Address => _ready.Task.Result;

    public string Output
    {
        get { lock (_lines) return string.Join('\n', _lines); }
    }

    public bool HasExited => _process.HasExited;

    public static async Task<WorkerProcess> StartAsync(
        Storage storage, int port, string version = "a", int prefill = 0, int step = 0, CutNetwork? network = null, int place = 0)
    {
        string[] line =
        [
            .. network is null ? [] : (string[])["ip", "netns", "exec", network.Place(place)],
            "dotnet", BuiltFolders.OrleansHost, "--address", network?.AddressOf(place) ?? "127.0.0.1",
            "--clustering", storage.Kind, "--connection", storage.Connection, "--cluster", storage.Cluster,
            "--port", port.ToString(CultureInfo.InvariantCulture), "--version", version,
            "--prefill", prefill.ToString(CultureInfo.InvariantCulture),
            "--step", step.ToString(CultureInfo.InvariantCulture),
        ];
        var worker = new WorkerProcess(Process.Start(
            new ProcessStartInfo(line[0], line[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!, place);
        await worker._ready.Task.WaitAsync(TimeSpan.FromSeconds(60));
        return worker;
    }

    /// <summary>kill -9.</summary>
    public void Kill() => _process.Kill();

    /// <summary>SIGSTOP, SIGCONT or SIGTERM.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public Task EndedAsync() => _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(120));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
