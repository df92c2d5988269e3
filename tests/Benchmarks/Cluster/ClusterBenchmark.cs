using System.Diagnostics;
using D2Pruner.AI.Tests.Orleans;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SkiaSharp;

namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>
/// What the way to a worker costs over an engine in the own process, what a second worker brings, and how many questions meet the worker
/// that has their image.
/// </summary>
internal sealed class ClusterBenchmark(Figures figures)
{
    private const int Rounds = 200;
    private static readonly TimeSpan Span = TimeSpan.FromSeconds(8);

    public async Task RunAsync()
    {
        await OverheadAsync();
        await AffinityAsync();
        await ScalingAsync();
    }

    // Turn by turn, because the machine's other work changes from minute to minute. The image travels in the first request alone.
    private async Task OverheadAsync()
    {
        var port = Ports.Next();
        using var asking = await ClusterHosts.AskingAsync(port);
        using var worker = ClusterHosts.Process(Ports.Next(), port, "instant", 0);
        await ClusterHosts.ServingAsync(asking, 1);
        using var direct = new D2PrunerChatClient(new InstantEngine());
        var through = asking.Services.GetRequiredService<IChatClient>();
        foreach (var (name, image) in (ReadOnlySpan<(string, byte[])>)[("@1MB", Noise(590)), ("@60KB", Noise(144))])
        {
            List<double> without = [], with = [];
            for (var i = -20; i < Rounds; i++)
            {
                var start = Stopwatch.GetTimestamp();
                direct.GetResponseAsync([Message(image, "What is this?")]).GetAwaiter().GetResult();
                var middle = Stopwatch.GetTimestamp();
                through.GetResponseAsync([Message(image, "What is this?")]).GetAwaiter().GetResult();
                if (i < 0) continue;
                without.Add(Stopwatch.GetElapsedTime(start, middle).TotalMilliseconds);
                with.Add(Stopwatch.GetElapsedTime(middle).TotalMilliseconds);
            }

            figures.Add("cluster_overhead_ms" + name, Figures.Median(with) - Figures.Median(without));
            figures.Add($"cluster_overhead_ms{name}.direct_p50", Figures.Median(without));
        }

        await EndAsync(worker);
        await asking.StopAsync();
    }

    private async Task AffinityAsync()
    {
        const int workers = 4, images = 200, questions = 5;
        var port = Ports.Next();
        using var asking = await ClusterHosts.AskingAsync(port);
        var engines = Enumerable.Range(0, workers).Select(_ => new InstantEngine()).ToList();
        var hosts = new List<IHost>();
        foreach (var engine in engines) hosts.Add(await ClusterHosts.WorkerAsync(Ports.Next(), port, engine));
        await ClusterHosts.ServingAsync(asking, workers);
        var client = asking.Services.GetRequiredService<IChatClient>();
        var random = new Random(1);
        var seen = new HashSet<(int, int)>();
        var chance = 0;
        for (var question = 0; question < questions; question++)
        {
            for (var image = 0; image < images; image++)
            {
                await client.GetResponseAsync([Message(BitConverter.GetBytes(image), $"Question {question}?")]);
                if (!seen.Add((image, random.Next(workers)))) chance++;
            }
        }

        // An image's first question cannot meet it anywhere.
        figures.Add("affinity_hit_ratio", engines.Sum(e => e.Hits) / (double)(images * (questions - 1)));
        figures.Add("affinity_hit_ratio.random", chance / (double)(images * (questions - 1)));
        foreach (var host in hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }

        await asking.StopAsync();
    }

    private async Task ScalingAsync()
    {
        var port = Ports.Next();
        using var asking = await ClusterHosts.AskingAsync(port);
        var client = asking.Services.GetRequiredService<IChatClient>();
        using var first = ClusterHosts.Process(Ports.Next(), port, "demo", 0);
        List<(double Rate, double Cores)> ones = [], twos = [];
        for (var round = 0; round < 3; round++)
        {
            await ClusterHosts.ServingAsync(asking, 1);
            ones.Add(await RateAsync(client, round));
            using var second = ClusterHosts.Process(Ports.Next(), port, "demo", 1);
            await ClusterHosts.ServingAsync(asking, 2);
            twos.Add(await RateAsync(client, round + 100));
            await EndAsync(second);
        }

        figures.Add("cluster_rps@1", Figures.Median([.. ones.Select(o => o.Rate)]));
        figures.Add("cluster_rps@2", Figures.Median([.. twos.Select(t => t.Rate)]));
        figures.Add("cluster_scaling@2", Figures.Median([.. twos.Zip(ones, (t, o) => t.Rate / o.Rate)]));
        // What asking takes from the workers: with two of them there is no core that is only its own.
        figures.Add("cluster_asking_cores@1", Figures.Median([.. ones.Select(o => o.Cores)]));
        figures.Add("cluster_asking_cores@2", Figures.Median([.. twos.Select(t => t.Cores)]));
        await EndAsync(first);
        await asking.StopAsync();
    }

    // Every question about an image of its own: no cache helps, and every worker gets its share.
    private static async Task<(double Rate, double Cores)> RateAsync(IChatClient client, int round)
    {
        var (done, next) = (0, round * 100_000);
        var watch = Stopwatch.StartNew();
        var before = Environment.CpuUsage.TotalTime;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            await Task.Yield();
            while (watch.Elapsed < Span)
            {
                var image = Shapes(Interlocked.Increment(ref next));
                await client.GetResponseAsync(
                    [Message(image, "What colour is the circle?")], new ChatOptions { MaxOutputTokens = 16 });
                if (watch.Elapsed < Span) Interlocked.Increment(ref done);
            }
        }));
        return (done / Span.TotalSeconds, (Environment.CpuUsage.TotalTime - before) / watch.Elapsed);
    }

    private static async Task EndAsync(Process worker)
    {
        worker.StandardInput.Close();
        await worker.WaitForExitAsync();
    }

    private static ChatMessage Message(byte[] image, string question) =>
        new(ChatRole.User, [new DataContent(image, "image/png"), new TextContent(question)]);

    private static byte[] Noise(int side)
    {
        var random = new Random(1);
        using var bitmap = new SKBitmap(side, side);
        for (var y = 0; y < side; y++) for (var x = 0; x < side; x++) bitmap.SetPixel(x, y, new SKColor((uint)random.Next() | 0xFF000000));
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static byte[] Shapes(int number)
    {
        using var bitmap = new SKBitmap(48, 48);
        using (var canvas = new SKCanvas(bitmap))
        {
            canvas.Clear(new SKColor((byte)number, (byte)(number >> 8), (byte)(number >> 16)));
            using var red = new SKPaint { Color = new SKColor(220, 40, 40) };
            canvas.DrawCircle(20, 24, 9, red);
        }

        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }
}
