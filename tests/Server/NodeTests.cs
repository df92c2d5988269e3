using System.Diagnostics;
using System.Text.Json;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The official <c>openai</c> package of npm. Skipped only where node or npm, or the package, cannot be had.</summary>
public sealed class NodeTests
{
    private const string Package = "openai@7.55.0";

    [SkippableFact]
    public async Task TheOfficialPackage_ChatsStreamsCallsAndRetries()
    {
        var modules = await InstallAsync();
        var busy = 2;
        ScriptedChat chat = null!;
        chat = new ScriptedChat
        {
            Script = (messages, _) => messages[^1].Role == ChatRole.Tool ? [new TextContent("It is blue.")] : messages[^1].Text switch
            {
                "schema" => [new TextContent("{\"colour\":\"red\"}")],
                "tool" => [new FunctionCallContent("c1", "look", new Dictionary<string, object?> { ["at"] = "sky" })],
                "busy" when busy-- > 0 => throw new Runtime.EngineBusyException(1),
                "long" => [.. Enumerable.Range(0, 1000)
                    .Select(_ => { chat.Delay = TimeSpan.FromMilliseconds(20); return new TextContent("x "); })],
                _ => null,
            },
        };
        await using var server = await RunningServer.StartAsync(chat, o => o.ApiKeys.Add("sk-node"));
        var image = "data:image/png;base64," + Convert.ToBase64String(TinyPng.Bytes);
        var output = await RunAsync("node", modules, Path.Combine(modules, "client.mjs"), server.Address.ToString(), image);
        var result = JsonDocument.Parse(output).RootElement;
        Assert.Equal("""["scripted"]""", result.GetProperty("models").GetRawText());
        Assert.Equal("""["It is a cat.","stop",14]""", result.GetProperty("whole").GetRawText());
        Assert.Equal(("It is a cat.", 14), (result.GetProperty("streamed").GetString(), result.GetProperty("usage").GetInt32()));
        Assert.Equal("{\"colour\":\"red\"}", result.GetProperty("schema").GetString());
        Assert.Equal("""["look","sky"]""", result.GetProperty("call").GetRawText());
        Assert.Equal("It is blue.", result.GetProperty("after").GetString());
        Assert.Equal("It is a cat.", result.GetProperty("retried").GetString());
        Assert.Equal("""[["AuthenticationError",401,"invalid_api_key"],["NotFoundError",404,"model_not_found"],["BadRequestError",400,"temperature"]]""", result.GetProperty("errors").GetRawText());
        Assert.True(result.GetProperty("left").GetBoolean());
        for (var i = 0; i < 12_000 && chat.Cancelled == 0; i++) await Task.Delay(5);
        Assert.Equal(1, chat.Cancelled);
    }

    // Beside the tests' program, once: the package is not part of the repository.
    private static async Task<string> InstallAsync()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "node-client");
        Directory.CreateDirectory(folder);
        File.Copy(Path.Combine(Repository.Root, "tests", "Server", "Node", "client.mjs"), Path.Combine(folder, "client.mjs"),
            overwrite: true);
        try
        {
            await RunAsync("node", folder, "--version");
            if (!File.Exists(Path.Combine(folder, "node_modules", "openai", "package.json")))
                await RunAsync("npm", folder, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--silent", Package);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            Skip.If(true, $"node with npm, or its package {Package}, cannot be had here: {e.Message}");
        }

        return folder;
    }

    private static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true,
                RedirectStandardError = true })!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} ran longer than two minutes.");
        }

        if (process.ExitCode != 0) throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await errors}");
        return await output;
    }
}
