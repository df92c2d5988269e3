using System.Globalization;
using System.Diagnostics;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using ModelContextProtocol.Client;

namespace D2Pruner.AI.AgentBenchmark;

/// <summary>Milliseconds of a call, medians: the client itself, the tool in process, the tool over stdio and over HTTP; each kind in turn,
/// so that they share the machine's moods.</summary>
internal static class OverheadBenchmark
{
    private const string Question = "What colour is the circle?";

    /// <summary>Where the image lies.</summary>
    public static string Folder { get; } = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "d2pruner-agent-benchmark")).FullName;

    public static async Task RunAsync(int calls, string model, CancellationToken cancellationToken)
    {
        var image = SceneImage.Draw(Scene.Create(Split.Test, 1, 1, new SceneOptions(3, 8))).ToPng();
        await File.WriteAllBytesAsync(Path.Combine(Folder, "a.png"), image, cancellationToken);
        Console.WriteLine("A model that answers at once (what is left is the tool call: names, the file, JSON, the transport):");
        await using (var app = await InstantServer.StartHttpAsync())
        {
            await using var http = await McpClient.CreateAsync(
                new HttpClientTransport(new HttpClientTransportOptions { Endpoint = new Uri(app.Urls.Single() + "/mcp") }),
                cancellationToken: cancellationToken);
            await using var stdio = await McpClient.CreateAsync(Stdio([Environment.ProcessPath!, "serve"]),
                cancellationToken: cancellationToken);
            await MeasureAsync(calls, image, new InstantClient(), [("over stdio", stdio), ("over HTTP", http)], cancellationToken);
        }

        Console.WriteLine("The demo model (two processes hold it):");
        await using var engine = await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = model },
            cancellationToken: cancellationToken);
        using var client = new D2PrunerChatClient(engine);
        var tool = Path.Combine(AppContext.BaseDirectory.Replace(Path.Combine("tests", "AgentBenchmark"), Path.Combine("src", "Cli"),
            StringComparison.Ordinal), "d2pruner.dll");
        await using var served = await McpClient.CreateAsync(Stdio(["dotnet", tool, "mcp", "--model", model, "--allow-folder", Folder]),
            cancellationToken: cancellationToken);
        await MeasureAsync(calls, image, client, [("over stdio", served)], cancellationToken);
    }

    private static StdioClientTransport Stdio(string[] command) =>
        new(new StdioClientTransportOptions { Command = command[0], Arguments = command[1..] });

    private static async Task MeasureAsync(int calls, byte[] image, IChatClient client, (string Name, McpClient Client)[] servers,
        CancellationToken cancellationToken)
    {
        var tools = new VisionTools(client, new VisionImages(Folder));
        var arguments = new Dictionary<string, object?> { ["image"] = "a.png", ["question"] = Question };
        List<(string Name, Func<Task> Call)> kinds =
        [
            ("the client itself", () =>
                client.GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(image, "image/png"), new TextContent(Question)])],
                cancellationToken: cancellationToken)),
            ("the tool in process", () => tools.InvokeAsync("ask_image", arguments, null, cancellationToken)),
            .. servers.Select(s => ($"the tool {s.Name}", (Func<Task>)(async () =>
            {
                if ((await s.Client.CallToolAsync("ask_image", arguments, cancellationToken: cancellationToken)).IsError == true)
                    throw new InvalidOperationException("The tool failed.");
            }))),
        ];
        var times = kinds.Select(_ => new List<double>()).ToArray();
        for (var i = -10; i < calls; i++)
        {
            for (var k = 0; k < kinds.Count; k++)
            {
                var start = Stopwatch.GetTimestamp();
                await kinds[k].Call();
                if (i >= 0) times[k].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        for (var k = 0; k < kinds.Count; k++)
        {
            // Paired: each call against the client's own of the same round.
            var more = times[k].Zip(times[0], (a, b) => a - b);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {kinds[k].Name,-22} p50 {Statistics.Quantile(times[k], 0.5),8:0.000} ms, p95 " +
                    $"{Statistics.Quantile(times[k], 0.95),8:0.000} ms, over the client p50 {Statistics.Quantile(more, 0.5),7:0.000} ms  " +
                    $"(n = {calls})"));
        }
    }
}
