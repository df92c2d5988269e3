using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Server;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Whatever a body holds, its sender gets an answer or a sentence, and nothing stays behind.</summary>
[Collection(TorchCollection.Name)] // memory is measured: nothing beside it
public sealed class BodyFuzzTests
{
    private const int Bodies = 10_000;

    [Fact]
    public async Task TenThousandBodies_LeaveNo500_AndNoLeak()
    {
        using var client = new D2PrunerChatClient(
            new ForgetfulEngine(), new D2PrunerChatClientOptions { ToolConvention = ToolConvention.Json });
        await using var server = await RunningServer.StartAsync(client, inMemory: true);
        var fuzzer = new BodyFuzzer(17);
        var statuses = new Dictionary<int, int>();
        long early = 0;
        for (var i = 0; i < Bodies; i++)
        {
            var (path, body) = fuzzer.Next();
            using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var response = await server.Http.PostAsync(path, content);
            var status = (int)response.StatusCode;
            statuses[status] = statuses.GetValueOrDefault(status) + 1;
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(status is 200 or 400 or 404 or 413, $"body {i}: {status} {text}\n{Convert.ToBase64String(body)}");
            if (status != 200)
                Assert.True(JsonDocument.Parse(text).RootElement.GetProperty("error").GetProperty("message").GetString()!.Length > 5, text);
            if (i == Bodies / 4) early = GC.GetTotalMemory(forceFullCollection: true);
        }

        // Both ways are really walked.
        Assert.True(statuses[200] > Bodies / 20 && statuses[400] > Bodies / 20,
            string.Join(", ", statuses.Select(s => $"{s.Key}: {s.Value}")));
        Assert.Equal(0, server.App.Services.GetRequiredService<ServerWork>().Running);
        var grown = GC.GetTotalMemory(forceFullCollection: true) - early;
        Assert.True(grown < 16 << 20, $"{grown} bytes more after three quarters of the bodies");
        Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody())).Status);
    }

    /// <summary>Keeps nothing of a request.</summary>
    private sealed class ForgetfulEngine : IVisionEngine
    {
        public VisionModelInfo Model { get; } = new ScriptedEngine().Model;

        public EngineStatus GetStatus() => new(EngineState.Ready, 0, false, 0);

        public IAsyncEnumerable<GenerationEvent> GenerateAsync(VisionRequest request, CancellationToken cancellationToken = default) =>
            new ScriptedEngine().GenerateAsync(request, cancellationToken);
    }
}
