using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace D2Pruner.AI.Tests.Mcp;

/// <summary>The protocol's reference client in Node, from npm; kept in the temporary folder between runs.</summary>
internal static class ReferenceClient
{
    private const string Version = "1.32.2";
    private static readonly SemaphoreSlim Once = new(1);

    /// <summary>Runs the script; skips the test where Node or the package cannot be had.</summary>
    public static async Task<JsonElement> RunAsync(params string[] arguments)
    {
        var folder = await InstallAsync();
        File.Copy(Path.Combine(Repository.Root, "tests", "Mcp", "reference-client.mjs"), Path.Combine(folder, "client.mjs"),
            overwrite: true);
        var (exit, output, errors) = await ProcessAsync(folder, "node", TimeSpan.FromMinutes(2), ["client.mjs", .. arguments]);
        Assert.True(exit == 0, $"node ended with {exit}: {errors}{output}");
        return JsonDocument.Parse(output).RootElement;
    }

    private static async Task<string> InstallAsync()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"d2pruner-mcp-reference-client-{Version}");
        await Once.WaitAsync();
        try
        {
            if (Directory.Exists(Path.Combine(folder, "node_modules", "@modelcontextprotocol", "sdk", "dist"))) return folder;
            Directory.CreateDirectory(folder);
            var (exit, output, errors) = await ProcessAsync(folder, "npm", TimeSpan.FromMinutes(2),
                ["install", "--no-audit", "--no-fund", "--ignore-scripts", $"@modelcontextprotocol/sdk@{Version}"]);
            Skip.If(exit != 0, $"npm could not install @modelcontextprotocol/sdk {Version}: {errors}{output}");
            return folder;
        }
        catch (Win32Exception e)
        {
            throw new SkipException($"Node is not installed ({e.Message}).");
        }
        finally
        {
            Once.Release();
        }
    }

    private static async Task<(int ExitCode, string Output, string Errors)> ProcessAsync(string folder, string program, TimeSpan limit,
        string[] arguments)
    {
        var start = new ProcessStartInfo(program) { WorkingDirectory = folder, RedirectStandardOutput = true,
            RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var time = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(time.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            return (-1, await output, $"{program} ran longer than {limit}. {await errors}");
        }

        return (process.ExitCode, await output, await errors);
    }
}
