using System.Diagnostics;
using System.Globalization;

namespace D2Pruner.AI.Tests.Orleans.Real;

/// <summary>A worker in a process of its own.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TaskCompletionSource<string> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _lines = [];

    private WorkerProcess(Process process)
    {
        _process = process;
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

    public string Address => _ready.Task.Result;

    public string Output
    {
        get { lock (_lines) return string.Join('\n', _lines); }
    }

    public bool HasExited => _process.HasExited;

    public static async Task<WorkerProcess> StartAsync(Storage storage, int port, string version = "a", int prefill = 0, int step = 0)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] arguments =
        [
            BuiltFolders.OrleansHost, "--clustering", storage.Kind, "--connection", storage.Connection, "--cluster", storage.Cluster,
            "--port", port.ToString(CultureInfo.InvariantCulture), "--version", version,
            "--prefill", prefill.ToString(CultureInfo.InvariantCulture),
            "--step", step.ToString(CultureInfo.InvariantCulture),
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        var worker = new WorkerProcess(Process.Start(start)!);
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

    public Task EndedAsync() => _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
