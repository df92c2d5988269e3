using System.Net;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Server;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Each status with each of its codes in docs/server.md's table of errors: brought about, and told as it stands there.</summary>
public sealed class ErrorDocTests
{
    private const string None = "null";

    // Status and code, and what brings it about; the options and the client may be changed before.
    private static readonly Dictionary<(int Status, string Code), Row> Rows = new()
    {
        [(400, None)] = new(Body: RunningServer.ChatBody("\"temperature\":3")),
        [(400, "invalid_image")] = new(Thrown: new ImageDecodeException("It is damaged.")),
        [(400, "invalid_image_url")] = new(Body: RunningServer.ChatBody(
            content: """[{"type":"image_url","image_url":{"url":"http://127.0.0.1/a.png"}}]""")),
        [(400, "too_many_images")] = new(o => o.MaxImages = 1,
            Body: RunningServer.ChatBody(content: $"[{RunningServer.ImagePart()},{RunningServer.ImagePart()}]")),
        [(400, "context_length_exceeded")] = new(Thrown: new PromptException("5000 tokens, 4096 fit.", VisionErrorKind.TooLarge)),
        [(400, "unsupported")] = new(Thrown: new NotSupportedException("No tools here.")),
        [(401, "invalid_api_key")] = new(o => o.ApiKeys.Add("sk-1")),
        [(403, "forbidden")] = new(Request: r => r.Headers.Host = "rebind.example.org"),
        [(404, "model_not_found")] = new(Body: RunningServer.ChatBody("\"model\":\"another\"")),
        [(404, "not_found")] = new(Request: r => r.RequestUri = new Uri("v1/embeddings", UriKind.Relative)),
        [(405, "method_not_allowed")] = new(Request: r => (r.Method, r.Content) = (HttpMethod.Get, null)),
        [(408, "request_timeout")] = new(o => o.BodyTimeout = TimeSpan.FromMilliseconds(100),
            Request: r => r.Content = new EndlessContent()),
        [(415, "unsupported_media_type")] = new(Request: r => r.Content = new StringContent("x")),
        [(413, "request_too_large")] = new(Thrown: new ImageDecodeException("Too many pixels.", kind: VisionErrorKind.TooLarge)),
        [(429, "rate_limit_exceeded")] = new(Thrown: new EngineBusyException(64)),
        [(503, "model_loading")] = new(Client: new D2PrunerChatClient(new StatefulEngine { State = EngineState.Loading })),
        [(503, "model_unavailable")] = new(Thrown: new EngineUnavailableException("It has ended.")),
        [(503, "stopping")] = new(Before: s => s.App.Services.GetRequiredService<ServerWork>().StoppingAsync(default)),
        [(503, "out_of_memory")] = new(Thrown: new EngineOutOfMemoryException(new OutOfMemoryException())),
        [(503, "timeout")] = new(o => o.RequestTimeout = TimeSpan.FromMilliseconds(100),
            Client: new ScriptedChat { Delay = TimeSpan.FromMinutes(1) }),
        [(500, "internal_error")] = new(Thrown: new InvalidOperationException("A defect.")),
    };

    /// <summary>The table's rows: status, type, code.</summary>
    public static TheoryData<int, string, string> Table()
    {
        var rows = new TheoryData<int, string, string>();
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "server.md"));
        text = text[text.IndexOf("### Errors", StringComparison.Ordinal)..];
        foreach (var line in text[..text.IndexOf("\n## ", StringComparison.Ordinal)].Split('\n').Where(l => l.StartsWith("| ")
            && char.IsAsciiDigit(l[2])))
        {
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            int[] statuses = [.. cells[1].Split(", ").Select(int.Parse)];
            string[] codes = [.. cells[3].Replace("or ", "", StringComparison.Ordinal).Split(", ").Select(c => c.Trim('`'))];
            for (var i = 0; i < codes.Length; i++) rows.Add(statuses.Length > 1 ? statuses[i] : statuses[0], cells[2].Trim('`'), codes[i]);
        }

        return rows;
    }

    [Fact]
    public void TheLibraryExample_ServesAsTheCommandLineDoes() => Assert.Contains(
        "(o.ToolConvention, o.ParseGroundings) = (ToolConvention.Json, true)",
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "server.md")), StringComparison.Ordinal);

    [Fact]
    public void EveryRow_IsBroughtAbout() => Assert.Equal(Rows.Keys.Order(),
        Table().Select(r => ((int)r[0], (string)r[2])).Order());

    [Theory]
    [MemberData(nameof(Table))]
    public async Task ARow_IsToldAsItStands(int status, string type, string code)
    {
        var row = Rows[(status, code)];
        var client = row.Client ?? new ScriptedChat { Fails = () => row.Thrown };
        await using var server = await RunningServer.StartAsync(client, row.Options, inMemory: true);
        if (row.Before is not null) await row.Before(server);
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions")
        {
            Content = RunningServer.Json(row.Body ?? RunningServer.ChatBody()),
        };
        row.Request?.Invoke(request);
        using var response = await server.Http.SendAsync(request);
        var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode} {json}");
        var error = json.GetProperty("error");
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(p => p.Name));
        Assert.Equal((type, code == None ? null : code), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()));
        Assert.Equal(status == 429, response.Headers.Contains("Retry-After") && status != 503);
    }

    private sealed record Row(Action<D2PrunerServerOptions>? Options = null, string? Body = null, Exception? Thrown = null,
        Microsoft.Extensions.AI.IChatClient? Client = null, Action<HttpRequestMessage>? Request = null,
        Func<RunningServer, Task>? Before = null);

    /// <summary>A body that begins and never ends.</summary>
    private sealed class EndlessContent : HttpContent
    {
        public EndlessContent() => Headers.ContentType = new("application/json");

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("{\"messages\":"u8.ToArray());
            await stream.FlushAsync();
            await Task.Delay(TimeSpan.FromMinutes(1));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
