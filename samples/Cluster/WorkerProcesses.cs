using System.Diagnostics;
using System.Globalization;

namespace D2Pruner.AI.Samples.Cluster;

/// <summary>This program again as workers; one that ends is started anew.</summary>
internal sealed class WorkerProcesses : IDisposable
{
    private readonly List<Process> _running = [];
    private readonly string[] _arguments;
    private bool _ending;

    public WorkerProcesses(int count, string[] arguments)
    {
        _arguments = [.. arguments.Where(a => a != "--demo")];
        for (var i = 1; i <= count; i++) Start(i, 2 * i);
        Console.WriteLine("Kill one and watch: kill -9 PROCESS. Ctrl+C ends everything.");
    }

    /// <summary>Ends them; each finishes what it is answering.</summary>
    public void Dispose()
    {
        Process[] running;
        lock (_running)
        {
            _ending = true;
            running = [.. _running];
        }

        // Outside of the lock: a process that ends says so while it holds its own.
        foreach (var process in running) process.StandardInput.Close();
        foreach (var process in running)
        {
            if (!process.WaitForExit(TimeSpan.FromSeconds(30))) process.Kill();
            process.Dispose();
        }
    }

    private void Start(int number, int place)
    {
        string[] program = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [Environment.ProcessPath!, typeof(WorkerProcesses).Assembly.Location] : [Environment.ProcessPath!];
        string[] line = [.. program, .. _arguments, "--worker", place.ToString(CultureInfo.InvariantCulture)];
        lock (_running)
        {
            if (_ending) return;
            var process = new Process
            {
                StartInfo = new ProcessStartInfo(line[0], line[1..]) { RedirectStandardInput = true }, EnableRaisingEvents = true,
            };
            process.Exited += (_, _) => Ended(process, number, place);
            process.Start();
            _running.Add(process);
            Console.WriteLine($"Worker {number}: process {process.Id}");
        }
    }

    private void Ended(Process process, int number, int place)
    {
        lock (_running)
        {
            if (_ending || !_running.Remove(process)) return;
            Console.WriteLine($"Worker {number} (process {process.Id}) has ended with {process.ExitCode}; another one starts.");
        }

        process.Dispose();
        // Another port: the cluster may still wait for the one that died at the old one.
        Start(number, place + 100);
    }
}
