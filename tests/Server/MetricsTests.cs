using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.RegularExpressions;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Server;
using D2Pruner.AI.Tests.Provider;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Names, types and labels that gateways and dashboards are configured with.</summary>
public sealed partial class MetricsTests
{
    [Fact]
    public async Task EveryMetric_HasItsNameTypeAndLabel()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        await using var server = await RunningServer.StartAsync(services => services.AddKeyedChatClientOf("metered", client));
        var before = await server.Http.GetStringAsync("metrics");
        foreach (var (name, type) in new[]
        {
            ("d2pruner_num_requests_waiting", "gauge"), ("d2pruner_num_requests_running", "gauge"),
                ("d2pruner_kv_cache_usage_ratio", "gauge"),
            ("d2pruner_prefix_cache_hits_total", "counter"), ("d2pruner_prefix_cache_queries_total", "counter"),
            ("d2pruner_prompt_tokens_total", "counter"), ("d2pruner_visual_tokens_total", "counter"),
            ("d2pruner_visual_tokens_kept_total", "counter"), ("d2pruner_generation_tokens_total", "counter"),
            ("d2pruner_requests_total", "counter"),
        })
        {
            Assert.Matches($@"(?m)^# TYPE {name} {type}\r?$", before);
            Assert.Equal(0, Value(before, name, "metered"));
        }

        await server.ChatAsync(RunningServer.ChatBody(content: $"[{RunningServer.ImagePart()}]"));
        await server.ChatAsync(RunningServer.ChatBody("\"temperature\":9"));
        var after = await Once(server, text => Value(text, "d2pruner_requests_total", "metered", "outcome=\"ok\"") == 1
            && Value(text, "d2pruner_requests_total", "", "outcome=\"invalid\"") >= 1);
        Assert.Equal(600, Value(after, "d2pruner_prompt_tokens_total", "metered"));
        Assert.Equal(600, Value(after, "d2pruner_prefix_cache_queries_total", "metered"));
        Assert.Equal(4, Value(after, "d2pruner_visual_tokens_total", "metered"));
        Assert.Equal(2, Value(after, "d2pruner_visual_tokens_kept_total", "metered"));
        Assert.Equal(3, Value(after, "d2pruner_generation_tokens_total", "metered"));
        foreach (var name in new[] { "d2pruner_time_to_first_token_seconds", "d2pruner_time_per_output_token_seconds" })
        {
            Assert.Matches($@"(?m)^# TYPE {name} histogram\r?$", after);
            Assert.Equal(1, Value(after, name + "_count", "metered"));
            Assert.True(Value(after, name + "_bucket", "metered", "le=\"0.1\"") >= 0);
        }

        Assert.Equal("text/plain", (await server.Http.GetAsync("metrics")).Content.Headers.ContentType!.MediaType);
    }

    [Theory]
    [InlineData("d2pruner.requests", "d2pruner.engine.requests")]
    [InlineData("d2pruner.prefix_cache.hits", "d2pruner.engine.prefix_cache.hits")]
    [InlineData("d2pruner.prefix_cache.queries", "d2pruner.engine.prefix_cache.queries")]
    public void TheEnginesCounts_DoNotTakeTheServersNames(string name, string shown)
    {
        using var factory = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var meter = new Meter(MetricViews.EngineMeter);
        var own = factory.GetRequiredService<IMeterFactory>();
        Assert.Equal(shown, MetricViews.Of(meter.CreateCounter<long>(name), own)?.Name);
    }

    [Fact]
    public async Task Gauges_AreTheEnginesStatus()
    {
        using var client = new D2PrunerChatClient(new LoadedEngine());
        await using var server = await RunningServer.StartAsync(services => services.AddKeyedChatClientOf("loaded", client));
        var text = await server.Http.GetStringAsync("metrics");
        Assert.Equal(3, Value(text, "d2pruner_num_requests_waiting", "loaded"));
        Assert.Equal(2, Value(text, "d2pruner_num_requests_running", "loaded"));
        Assert.Equal(0.25, Value(text, "d2pruner_kv_cache_usage_ratio", "loaded"));
    }

    [Fact]
    public async Task WithoutReuse_NothingIsLookedUp()
    {
        using var client = new D2PrunerChatClient(new ScriptedEngine());
        await using var server = await RunningServer.StartAsync(services => services.AddKeyedChatClientOf("off", client));
        await server.ChatAsync(RunningServer.ChatBody("\"pruning\":{\"reuse\":\"off\"}"));
        var text = await Once(server, t => Value(t, "d2pruner_requests_total", "off", "outcome=\"ok\"") == 1);
        Assert.Equal(600, Value(text, "d2pruner_prompt_tokens_total", "off"));
        Assert.Equal(0, Value(text, "d2pruner_prefix_cache_queries_total", "off"));
    }

    [Fact]
    public async Task Outcomes_AreCounted()
    {
        var chat = new ScriptedChat("outcomes");
        await using var server = await RunningServer.StartAsync(chat);
        foreach (var (failure, outcome) in new (
            Exception, string)[] { (new Runtime.EngineBusyException(1), "busy"),
            (new Runtime.EngineUnavailableException("x"), "unavailable"), (new InvalidOperationException(), "failed"),
            (new ArgumentException("x"), "invalid") })
        {
            chat.Fails = () => failure;
            await server.ChatAsync(RunningServer.ChatBody());
            await Once(server, text => Value(text, "d2pruner_requests_total", "outcomes", $"outcome=\"{outcome}\"") == 1);
        }

        chat.Fails = () => null;
        chat.Reason = ChatFinishReason.Length;
        await server.ChatAsync(RunningServer.ChatBody());
        chat.Delay = TimeSpan.FromSeconds(20);
        using (var leaving = new CancellationTokenSource(200))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => server.Http.PostAsync("v1/chat/completions", RunningServer.Json(RunningServer.ChatBody()), leaving.Token));
        foreach (var outcome in new[] { "length", "cancelled" })
            await Once(server, text => Value(text, "d2pruner_requests_total", "outcomes", $"outcome=\"{outcome}\"") == 1);
    }

    /// <summary>Exporters listen to meters of the whole process by name: each server showed what the other one had counted.</summary>
    [Fact]
    public async Task TwoServers_InOneProcess_ShowTheirOwnNumbers()
    {
        var (left, right) = (new ScriptedChat("twin"), new ScriptedChat("twin"));
        await using var first = await RunningServer.StartAsync(left);
        await using var second = await RunningServer.StartAsync(services =>
        {
            services.AddChatClient(right);
            services.AddKeyedChatClientOf("other", new ScriptedChat("other"));
        });
        for (var i = 0; i < 3; i++) await first.ChatAsync(RunningServer.ChatBody());
        await second.ChatAsync(RunningServer.ChatBody("\"model\":\"twin\""));
        await Once(first, text => Value(text, "d2pruner_requests_total", "twin", "outcome=\"ok\"") == 3);
        await Once(second, text => Value(text, "d2pruner_requests_total", "twin", "outcome=\"ok\"") == 1);
        var (one, two) = (await first.Http.GetStringAsync("metrics"), await second.Http.GetStringAsync("metrics"));
        foreach (var name in new[] { "d2pruner_num_requests_running", "d2pruner_requests_total", "d2pruner_generation_tokens_total" })
        {
            Assert.Single(Line().Matches(one), l => l.Groups["name"].Value == name
                && l.Groups["labels"].Value.Contains("model_name=\"twin\"", StringComparison.Ordinal));
            Assert.DoesNotContain(Line().Matches(one), l => l.Groups["name"].Value == name
                && l.Groups["labels"].Value.Contains("\"other\"", StringComparison.Ordinal));
            Assert.Contains(Line().Matches(two), l => l.Groups["name"].Value == name
                && l.Groups["labels"].Value.Contains("\"other\"", StringComparison.Ordinal));
        }
    }

    // A request is counted at its very end, when its caller has read the answer already.
    private static async Task<string> Once(RunningServer server, Func<string, bool> holds)
    {
        for (var i = 0; ; i++)
        {
            var text = await server.Http.GetStringAsync("metrics");
            if (holds(text)) return text;
            Assert.True(i < 200, text);
            await Task.Delay(10);
        }
    }

    /// <summary>The value of a line of Prometheus' text; NaN where there is none.</summary>
    internal static double Value(string text, string name, string model, string? label = null)
    {
        foreach (Match line in Line().Matches(text))
        {
            if (line.Groups["name"].Value == name
                && line.Groups["labels"].Value.Contains($"model_name=\"{model}\"", StringComparison.Ordinal)
                && (label is null || line.Groups["labels"].Value.Contains(label, StringComparison.Ordinal)))
                return double.Parse(line.Groups["value"].ValueSpan, CultureInfo.InvariantCulture);
        }

        return double.NaN;
    }

    /// <summary>An engine with work.</summary>
    private sealed class LoadedEngine : IVisionEngine
    {
        public VisionModelInfo Model { get; } = new ScriptedEngine().Model;

        public EngineStatus GetStatus() =>
            new(EngineState.Ready, 3, true, 0) { RunningSequences = 2, MaxSequences = 4, KvBytes = 25, MaxKvBytes = 100 };

        public IAsyncEnumerable<GenerationEvent> GenerateAsync(VisionRequest request, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();
    }

    [GeneratedRegex(@"(?m)^(?<name>\w+)\{(?<labels>[^}]*)\} (?<value>\S+)")]
    private static partial Regex Line();
}
