using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>What an operator types.</summary>
public sealed class CurlTests
{
    [SkippableFact]
    public async Task Completions_Metrics_AndHealth()
    {
        Skip.IfNot(await Has(), "curl is not installed");
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), o => o.ApiKeys.Add("sk-1"));
        var answer = JsonDocument.Parse(
            await Curl("-H", "Authorization: Bearer sk-1", "-H", "Content-Type: application/json", "-d",
                """{"prompt":"Once","max_tokens":5}""", $"{server.Address}v1/completions")).RootElement;
        Assert.Equal("It is a cat.", answer.GetProperty("choices")[0].GetProperty("text").GetString());
        var stream = await Curl("-N", "-H", "Authorization: Bearer sk-1", "-H", "Content-Type: application/json", "-d",
            """{"prompt":"Once","stream":true}""", $"{server.Address}v1/completions");
        Assert.EndsWith("data: [DONE]\n\n", stream);
        Assert.Contains("d2pruner_requests_total", await Curl($"{server.Address}metrics"));
        Assert.Equal("200", await Curl("-o", "/dev/null", "-w", "%{http_code}", $"{server.Address}health/live"));
        Assert.Equal("200", await Curl("-o", "/dev/null", "-w", "%{http_code}", $"{server.Address}health/ready"));
        Assert.Equal("401", await Curl("-o", "/dev/null", "-w", "%{http_code}", $"{server.Address}v1/models"));
        // curl's default for -d is a form, which is told.
        Assert.Contains("Content-Type: application/json",
            await Curl("-H", "Authorization: Bearer sk-1", "-d", "{}", $"{server.Address}v1/completions"));
    }

    private static async Task<bool> Has()
    {
        try
        {
            await Curl("--version");
            return true;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static async Task<string> Curl(params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo("curl", ["-sS", "--noproxy", "*", "--max-time", "30", .. arguments]) { RedirectStandardOutput = true,
                RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return await output;
    }
}
