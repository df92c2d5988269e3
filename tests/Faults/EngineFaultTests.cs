using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Xunit;

namespace D2Pruner.AI.Tests.Faults;

/// <summary>Crowds, cancellations and disposals over a real (tiny, random) model: everybody hears how it ended, and the
/// next request answers as before.</summary>
[Collection(TorchCollection.Name)]
public sealed class EngineFaultTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-a");

    private static ChatMessage Question { get; } =
        new(ChatRole.User, [new DataContent(File.ReadAllBytes(Path.Combine(Fixture, "images", "p0.png")), "image/png"),
            new TextContent("What is this?")]);

    private static Task<VisionLanguageEngine> Load(Action<VisionModelOptions>? configure = null)
    {
        var options = new VisionModelOptions { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu", PrefixCacheBytes = 16 << 20 };
        configure?.Invoke(options);
        return VisionLanguageEngine.LoadAsync(options);
    }

    private static async Task<string> Ask(IChatClient client, int tokens = 6, CancellationToken cancellationToken = default) =>
        (await client.GetResponseAsync([Question], new ChatOptions { MaxOutputTokens = tokens, Temperature = 0 }, cancellationToken)).Text;

    [Fact]
    public async Task AThousandCancellations_AtRandomMoments()
    {
        await using var engine = await Load(o => o.QueueCapacity = 100);
        using var client = engine.AsIChatClient();
        var expected = await Ask(client);
        var random = new Random(7);
        var (cancelled, answered) = (0, 0);
        for (var round = 0; round < 50; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
            {
                using var source = new CancellationTokenSource();
                var ask = Ask(client, 40, source.Token);
                await Task.Delay(random.Next(30));
                await source.CancelAsync();
                try
                {
                    await ask.WaitAsync(Patience);
                    Interlocked.Increment(ref answered);
                }
                catch (OperationCanceledException e)
                {
                    Assert.Equal(source.Token, e.CancellationToken);
                    Interlocked.Increment(ref cancelled);
                }
            }));
            if (round % 10 == 9) Assert.Equal(expected, await Ask(client));
        }

        Assert.Equal(1000, cancelled + answered);
        Assert.True(cancelled > 100, $"Only {cancelled} were cancelled: nothing was tested.");
        Assert.Equal(0, engine.GetStatus().QueueLength);
    }

    [Fact]
    public async Task TenThousandQueued_AreAnsweredOrRefused()
    {
        await using var engine = await Load(o => o.QueueCapacity = 10_000);
        using var client = engine.AsIChatClient();
        var expected = await Ask(client);
        using var source = new CancellationTokenSource();
        Task[] asked = [.. Enumerable.Range(0, 10_000)
            .Select(i => client.GetResponseAsync("Hello.", new ChatOptions { MaxOutputTokens = 1 }, i < 200 ? default : source.Token))];
        Assert.InRange(engine.GetStatus().QueueLength, 1, 10_000);
        await Task.WhenAll(asked[..200]).WaitAsync(Patience);
        await source.CancelAsync();
        await Task.WhenAll(asked).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Patience);
        Assert.All(asked, t => Assert.True(t.IsCompletedSuccessfully || t.IsCanceled, t.Exception?.ToString()));
        Assert.Equal(expected, await Ask(client).WaitAsync(Patience));
    }

    [Fact]
    public async Task AFullQueue_RefusesTheRest()
    {
        await using var engine = await Load(o => o.QueueCapacity = 8);
        using var client = engine.AsIChatClient();
        var expected = await Ask(client);
        Task<string>[] asked = [.. Enumerable.Range(0, 400).Select(_ => Task.Run(() => Ask(client, 2)))];
        await Task.WhenAll(asked).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Patience);
        Assert.All(asked.Where(t => t.IsFaulted), t => Assert.Equal(VisionErrorKind.Busy, t.Exception!.GetVisionErrorKind()));
        Assert.Contains(asked, t => t.IsCompletedSuccessfully);
        Assert.Contains(asked, t => t.IsFaulted);
        Assert.Equal(expected, await Ask(client));
    }

    [Fact]
    public async Task AQueueThatWaits_RefusesNobodyInTime()
    {
        await using var engine = await Load(o => (o.QueueCapacity, o.QueueFullMode, o.QueueTimeout) = (4, QueueFullMode.Wait, Patience));
        using var client = engine.AsIChatClient();
        var expected = await Ask(client, 2);
        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => Task.Run(() => Ask(client, 2)))).WaitAsync(Patience);
        Assert.All(answers, a => Assert.Equal(expected, a));
    }

    [Fact]
    public async Task Disposed_AtAnyStage_EverybodyHearsOfIt()
    {
        var random = new Random(5);
        for (var round = 0; round < 12; round++)
        {
            var engine = await Load(o => o.QueueCapacity = 100);
            using var client = engine.AsIChatClient();
            Task<string>[] asked = [.. Enumerable.Range(0, 10).Select(_ => Task.Run(() => Ask(client, 40)))];
            await Task.Delay(random.Next(60));
            await engine.DisposeAsync().AsTask().WaitAsync(Patience);
            await Task.WhenAll(asked).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Patience);
            Assert.All(asked, t => Assert.True(
                t.IsCompletedSuccessfully || t.Exception?.InnerException is ObjectDisposedException, $"{t.Status}: {t.Exception}"));
            Assert.Equal(VisionErrorKind.Unavailable, (await Assert.ThrowsAnyAsync<Exception>(() => Ask(client))).GetVisionErrorKind());
            Assert.Equal(EngineState.Disposed, engine.GetStatus().State);
        }
    }

    [Fact]
    public async Task ALoadThatIsCancelled_LeavesNothing_AndTheNextOneWorks()
    {
        var random = new Random(9);
        for (var round = 0; round < 10; round++)
        {
            using var source = new CancellationTokenSource(random.Next(40));
            try
            {
                await using var engine = await VisionLanguageEngine.LoadAsync(
                    new VisionModelOptions { ModelPath = Path.Combine(Fixture, "model"), Device = "cpu" }, cancellationToken: source.Token);
            }
            catch (OperationCanceledException)
            {
            }
        }

        await using var last = await Load();
        using var client = last.AsIChatClient();
        Assert.NotEmpty(await Ask(client));
    }
}
