using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using D2Pruner.AI.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SkiaSharp;

namespace D2Pruner.AI.Benchmarks;

/// <summary>
/// What HTTP costs over the client beneath it, at the loopback address: the time of one request with an image of 1 MB, and requests a
/// second for one and more callers. Both sides in the same run, turn by turn, because the machine's
/// other work changes from minute to minute.
/// </summary>
internal sealed class ServerBenchmark(Figures figures, string modelFolder)
{
    private const int Rounds = 100;
    private const int WarmUp = 50; // until large arrays come from memory that the process has touched
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(10); // 32 callers wait two seconds an answer: a span must hold several
    private const int Turns = 6; // even: each side goes first equally often
    private const string Sink = "sink";

    public async Task RunAsync()
    {
        var image = Noise(547); // 1 MiB
        figures.Add("image_bytes", image.Length);
        using (var instant = new InstantChat())
        {
            await OverheadAsync("server_overhead_ms", instant, image, maxTokens: 1);
            await OverheadAsync("server_overhead_ms@small", instant, Shapes(), maxTokens: 1);
        }

        var options = new VisionModelOptions { ModelPath = modelFolder, Device = "cpu" };
        await using var engine = await VisionLanguageEngine.LoadAsync(options);
        using var client = new D2PrunerChatClient(engine);
        await OverheadAsync("server_overhead_ms@demo", client, image, maxTokens: 1);
        await RatesAsync(client, Shapes());
    }

    // The client that answers at once shows the way through HTTP alone; with the model the same difference
    // is taken of its answers, noise and all.
    private async Task OverheadAsync(string name, IChatClient client, byte[] image, int maxTokens)
    {
        await using var server = await StartAsync(client);
        using var http = new HttpClient { BaseAddress = new Uri(server.Urls.Single()) };
        var body = Body(image, "What is this?", maxTokens);
        List<double> direct = [], through = [], transport = [];
        for (var i = -WarmUp; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await client.GetResponseAsync([Message(image, "What is this?")], new ChatOptions { MaxOutputTokens = maxTokens });
            var middle = Stopwatch.GetTimestamp();
            await PostAsync(http, body);
            var end = Stopwatch.GetTimestamp();
            await PostAsync(http, body, Sink);
            if (i < 0) continue;
            direct.Add(Stopwatch.GetElapsedTime(start, middle).TotalMilliseconds);
            through.Add(Stopwatch.GetElapsedTime(middle, end).TotalMilliseconds);
            transport.Add(Stopwatch.GetElapsedTime(end).TotalMilliseconds);
        }

        figures.Add(name, Figures.Median(through) - Figures.Median(direct));
        figures.Add(name + ".direct_p50", Figures.Median(direct));
        figures.Add(name + ".http_p50", Figures.Median(through));
        figures.Add(name + ".transport_p50", Figures.Median(transport));
        await server.StopAsync();
    }

    private async Task RatesAsync(IChatClient client, byte[] image)
    {
        await using var server = await StartAsync(client);
        using var http = new HttpClient(
            new SocketsHttpHandler { MaxConnectionsPerServer = 64 }) { BaseAddress = new Uri(server.Urls.Single()) };
        var body = Body(image, "What colour is the circle?", 8);
        foreach (var callers in new[] { 1, 8, 32 })
        {
            List<double> direct = [], through = [];
            for (var turn = 0; turn < Turns; turn++)
            {
                // The machine's drift must not always meet the same side.
                if (turn % 2 == 1) through.Add(await RateAsync(callers, () => PostAsync(http, body)));
                direct.Add(await RateAsync(callers, AskAsync));
                if (turn % 2 == 0) through.Add(await RateAsync(callers, () => PostAsync(http, body)));
            }

            figures.Add($"server_rps@{callers}", Figures.Median(through));
            figures.Add($"direct_rps@{callers}", Figures.Median(direct));
            figures.Add($"server_rps_ratio@{callers}", Figures.Median([.. through.Zip(direct, (t, d) => t / d)]));
        }

        await server.StopAsync();

        Task AskAsync() => client.GetResponseAsync(
            [Message(image, "What colour is the circle?")], new ChatOptions { MaxOutputTokens = 8 });
    }

    private static async Task<double> RateAsync(int callers, Func<Task> ask)
    {
        var done = 0;
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(async _ =>
        {
            await Task.Yield();
            while (watch.Elapsed < Span)
            {
                await ask();
                Interlocked.Increment(ref done);
            }
        }));
        return done / watch.Elapsed.TotalSeconds;
    }

    private static async Task PostAsync(HttpClient http, byte[] body, string path = "v1/chat/completions")
    {
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var response = await http.PostAsync(path, content);
        var text = await response.Content.ReadAsByteArrayAsync();
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException(Encoding.UTF8.GetString(text));
    }

    private static async Task<WebApplication> StartAsync(IChatClient client)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Logging.ClearProviders();
        // The container would dispose a client that it was given; this one is used again.
        builder.Services.AddChatClient(new BorrowedChat(client));
        builder.Services.AddD2PrunerServer();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.UseRouting();
        app.MapD2PrunerServer();
        // What the web server and the loopback address take by themselves: reads the body, answers nothing.
        app.MapPost(Sink, async (HttpContext context) => await context.Request.Body.CopyToAsync(Stream.Null));
        await app.StartAsync();
        return app;
    }

    private static ChatMessage Message(byte[] image, string question) =>
        new(ChatRole.User, [new DataContent(image, "image/png"), new TextContent(question)]);

    private static byte[] Body(byte[] image, string question, int maxTokens) => Encoding.UTF8.GetBytes(
        $$$"""{"max_tokens":{{{maxTokens}}},"messages":[{"role":"user","content":[{"type":"text","text":"{{{question}}}"},{"type":"image_url","image_url":{"url":"data:image/png;base64,{{{Convert.ToBase64String(image)}}}" } } ] } ] }""");

    // Noise does not compress: about three bytes a pixel.
    private static byte[] Noise(int side)
    {
        var random = new Random(1);
        using var bitmap = new SKBitmap(side, side);
        for (var y = 0; y < side; y++) for (var x = 0; x < side; x++) bitmap.SetPixel(x, y, new SKColor((uint)random.Next() | 0xFF000000));
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static byte[] Shapes()
    {
        using var bitmap = new SKBitmap(336, 336);
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(new SKColor(186, 190, 196));
            using var red = new SKPaint { Color = new SKColor(220, 40, 40) };
            canvas.DrawCircle(90, 100, 34, red);
        }

        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    /// <summary>Answers at once.</summary>
    private sealed class InstantChat : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask;
            yield return new ChatResponseUpdate(ChatRole.Assistant, "red") { FinishReason = ChatFinishReason.Stop };
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    /// <summary>Leaves the client to whoever made it.</summary>
    private sealed class BorrowedChat(IChatClient client) : DelegatingChatClient(client)
    {
        protected override void Dispose(bool disposing)
        {
        }
    }
}
