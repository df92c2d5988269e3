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
    /// <param name="assembly">What to run.</param>
    /// <param name="arguments">Its command line.</param>
    /// <param name="environment">Variables that are set, or with null removed.</param>
    /// <param name="input">Its standard input; without it that is empty.</param>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string assembly, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, byte[]? input = null) =>
        RunProcessAsync("dotnet", [assembly, .. arguments], environment, input);

    /// <summary>As <see cref="RunAsync"/>, of any program that is installed.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunProcessAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null, byte[]? input = null)
    {
        var start = new ProcessStartInfo(
            program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        if (input is not null) await process.StandardInput.BaseStream.WriteAsync(input);
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
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} ran longer than two minutes.");
        }

        return (process.ExitCode, await output, await errors);
    }
}
