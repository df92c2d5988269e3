using System.Diagnostics;

namespace D2Pruner.AI.Tests;

/// <summary>A program of this repository, built as these tests are.</summary>
internal static class BuiltProgram
{
    /// <summary>Its assembly: FOLDER/bin/CONFIGURATION/FRAMEWORK/NAME.dll.</summary>
    public static string Path(string folder, string name)
    {
        var built = new DirectoryInfo(System.IO.Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return System.IO.Path.Combine(Repository.Root, folder, "bin", built.Parent!.Name, built.Name, name + ".dll");
    }

    /// <summary>Runs one to its end, without a keyboard.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string assembly, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(
            "dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[assembly, .. arguments]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{assembly} ran longer than two minutes.");
        }

        return (process.ExitCode, await output, await errors);
    }
}
