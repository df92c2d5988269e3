using System.Diagnostics;
using System.Text;

namespace D2Pruner.AI.Tests.Faults;

/// <summary>One run of a program of this repository that may be killed by what it does.</summary>
/// <param name="ExitCode">How it ended; 128 and more is a signal.</param>
/// <param name="Output">What it printed.</param>
internal sealed record ChildProcess(int ExitCode, string Output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs a built program below tests/, optionally through a shell line in which <c>"$@"</c> is the program.</summary>
    /// <param name="program">Folder and assembly, e.g. <c>Fuzz/D2Pruner.AI.Fuzz</c>.</param>
    /// <param name="shell">A line for sh; null runs the program itself.</param>
    /// <param name="arguments">Arguments of the program.</param>
    public static async Task<ChildProcess> RunAsync(string program, string? shell, params string[] arguments)
    {
        var built = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var (folder, assembly) = (program.Split('/')[0], program.Split('/')[1]);
        var path = Path.Combine(Repository.Root, "tests", folder, "bin", built.Parent!.Name, built.Name, assembly + ".dll");
        var start = new ProcessStartInfo(
            shell is null ? "dotnet" : "sh") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in shell is null ? (string[])[path, .. arguments] : ["-c", shell, "sh", "dotnet", path, .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = new StringBuilder();
        void Add(object sender, DataReceivedEventArgs e)
        {
            if (e.Data is null) return;
            lock (output) output.AppendLine(e.Data);
        }

        process.OutputDataReceived += Add;
        process.ErrorDataReceived += Add;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} ran longer than {Limit}:\n{output}");
        }

        lock (output) return new ChildProcess(process.ExitCode, output.ToString());
    }
}
