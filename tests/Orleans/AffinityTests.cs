using D2Pruner.AI.Orleans.Workers;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Orleans;

/// <summary>An image's questions meet the worker that has it.</summary>
public sealed class AffinityTests
{
    [Fact]
    public async Task AllQuestionsAboutAnImage_MeetOneWorker_AndItsBytesTravelOnce()
    {
        await using var workers = await TestWorkers.StartAsync(3, _ => new EchoEngine());
        const int images = 30, questions = 4;
        for (var q = 0; q < questions; q++)
        {
            for (var i = 0; i < images; i++)
            {
                var response = await workers.Client.GetResponseAsync([TestWorkers.Ask(i, $"question {q}")]);
                Assert.Equal(EchoEngine.Answer("a", TestWorkers.Image(i), $"question {q}"), response.Text);
            }
        }

        var where = workers.Engines.Select(e => e.Requests.Select(ImageOf).ToHashSet()).ToList();
        Assert.Equal(images, where.Sum(w => w.Count));
        Assert.Equal(images * questions, workers.Engines.Sum(e => e.Requests.Count));
        Assert.All(where, w => Assert.NotEmpty(w));
        Assert.Equal(images, workers.Cluster.Silos.Sum(s => s.ServiceProvider.GetRequiredService<ImageStore>().Received));
    }

    [Fact]
    public async Task RequestsWithoutImages_GoToTheLeastLoaded()
    {
        await using var workers = await TestWorkers.StartAsync(2, _ => new EchoEngine(maxSequences: 4));
        var busy = workers.Engines[0];
        busy.Hold = new TaskCompletionSource();
        workers.Engines[1].Hold = busy.Hold;
        var running = new List<Task<ChatResponse>>();
        for (var i = 0; i < 6; i++)
        {
            running.Add(workers.Client.GetResponseAsync($"question {i}"));
            var count = i + 1;
            await TestWorkers.UntilAsync(() => workers.Engines.Sum(e => e.Requests.Count) == count, "the request arrives");
            // The load is told a little later.
            await Task.Delay(200);
        }

        Assert.All(workers.Engines, e => Assert.Equal(3, e.Requests.Count));
        busy.Hold.SetResult();
        await Task.WhenAll(running);
    }

    [Fact]
    public async Task AnImageInGreatDemand_SpreadsToASecondWorker_AndToNoMoreThanAllowed()
    {
        await using var workers = await TestWorkers.StartAsync(
            4, _ => new EchoEngine(maxSequences: 2, queueCapacity: 100), o => o.Spread = 2);
        var hold = new TaskCompletionSource();
        foreach (var engine in workers.Engines) engine.Hold = hold;
        var running = new List<Task<ChatResponse>>();
        for (var i = 0; i < 16; i++)
        {
            running.Add(workers.Client.GetResponseAsync([TestWorkers.Ask(1, $"question {i}")]));
            await Task.Delay(30);
        }

        await TestWorkers.UntilAsync(() => workers.Engines.Sum(e => e.Requests.Count) == 16, "all arrive");
        Assert.Equal(2, workers.Engines.Count(e => e.Requests.Count > 0));
        hold.SetResult();
        var answers = await Task.WhenAll(running);
        Assert.Equal(16, answers.Select(a => a.Text).Distinct().Count());
    }

    private static string ImageOf(VisionRequest request) =>
        Convert.ToHexString(request.Turns.SelectMany(t => t.Parts).OfType<ImagePart>().Single().Bytes.Span);
}
