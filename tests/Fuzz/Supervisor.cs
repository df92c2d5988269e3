using System.Diagnostics;
using System.Globalization;

namespace D2Pruner.AI.Fuzz;

/// <summary>Runs a target's inputs in child processes: one that dies or hangs is counted, and the next child goes on
/// behind the input that did it.</summary>
internal sealed class Supervisor(string target, int seed, Findings findings, TimeSpan patience)
{
    public Tally Run(long inputs, DateTime until)
    {
        var tally = new Tally();
        var path = Path.GetTempFileName();
        try
        {
            for (var from = 0L; from < inputs && DateTime.UtcNow < until;)
            {
                File.Delete(path);
                using var progress = new ProgressFile(path);
                progress.Current = from;
                var (ended, hung) = RunChild(path, from, inputs, until, progress);
                tally.Inputs += progress.Inputs;
                tally.Untyped += progress.Untyped;
                tally.LargeAllocations += progress.LargeAllocations;
                if (ended == 0) break;
                if (progress.Started == 0)
                    throw new InvalidOperationException($"The child process for '{target}' did not start (it ended with {ended}).");
                tally.Inputs++;
                if (hung) tally.Hangs++;
                else tally.Aborts++;
                using var known = Targets.Create(target);
                findings.Keep(target, progress.Current, Worker.Input(known, progress.Current, seed), hung
                    ? $"No answer within {patience.TotalSeconds} s." : $"The process ended with {ended}.", hung ? "hang" : "abort");
                from = progress.Current + 1;
            }
        }
        finally
        {
            File.Delete(path);
        }

        return tally;
    }

    private (int Ended, bool Hung) RunChild(string path, long from, long to, DateTime until, ProgressFile progress)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(Supervisor).Assembly.Location);
        foreach (var argument in (string[])[
            "--child", path, "--target", target, "--from", Text(from), "--to", Text(to), "--seed", Text(seed), "--until", Text(until.Ticks),
            "--findings", findings.Folder])
            start.ArgumentList.Add(argument);
        using var child = Process.Start(start)!;
        var (last, since, worked) = (-1L, Stopwatch.StartNew(), TimeSpan.Zero);
        while (!child.WaitForExit(100))
        {
            var work = Work(child);
            // Starting up has no limit of its own.
            if (progress.Started == 0 || progress.Current != last) (last, since, worked) = (progress.Current, Stopwatch.StartNew(), work);
            // On a loaded machine an input may wait long for its turn; so its own work counts, and for
            // one that only waits, twenty times as long.
            if (work - worked < patience && since.Elapsed < 20 * patience) continue;
            child.Kill(entireProcessTree: true);
            child.WaitForExit();
            return (-1, true);
        }

        return (child.ExitCode, false);
    }

    private static TimeSpan Work(Process child)
    {
        try
        {
            return child.TotalProcessorTime;
        }
        catch (InvalidOperationException)
        {
            return TimeSpan.Zero; // It has ended meanwhile.
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
