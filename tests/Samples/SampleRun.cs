using System.Diagnostics;
using System.Text;

namespace D2Pruner.AI.Tests.Samples;

/// <summary>One run of a built sample.</summary>
internal sealed record SampleRun(int ExitCode, string Output, string Errors)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Runs a sample in a folder, with these lines as its keyboard.</summary>
    public static async Task<SampleRun> StartAsync(string sample, string folder, string keyboard, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        foreach (var argument in (string[])[Program(sample), .. arguments]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(keyboard);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{sample} ran longer than {Limit}.");
        }

        return new SampleRun(process.ExitCode, await output, await errors);
    }

    // Built as these tests are: samples/NAME/bin/CONFIGURATION/FRAMEWORK.
    private static string Program(string sample)
    {
        var built = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var root = built;
        while (!File.Exists(Path.Combine(root.FullName, "D2Pruner.AI.sln")))
            root = root.Parent ?? throw new DirectoryNotFoundException("D2Pruner.AI.sln is in no folder above the tests.");
        return Path.Combine(root.FullName, "samples", sample, "bin", built.Parent!.Name, built.Name, sample + ".dll");
    }
}
