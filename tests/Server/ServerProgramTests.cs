using System.Net;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The programs that people start: the sample as a process of its own, and <c>d2pruner serve</c>.</summary>
[Collection(TorchCollection.Name)]
public sealed class ServerProgramTests
{
    [Fact]
    public async Task TheSample_StartsWithoutConfiguration_AndEndsWhenTold()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var server = await SampleServer.StartAsync([], limit.Token, "--port", "0");
        Assert.Contains("studio", await server.Http.GetStringAsync("", limit.Token));
        var answer = await server.Http.PostAsync(
            "v1/chat/completions", RunningServer.Json(RunningServer.ChatBody("\"max_tokens\":4")), limit.Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        if (OperatingSystem.IsWindows()) return;
        await server.TerminateAsync(limit.Token);
        Assert.Equal(0, server.ExitCode);
    }

    /// <summary>As docs/deploy.md has it: everything by environment variables, keys from a file.</summary>
    [Fact]
    public async Task TheSample_TakesAContainersEnvironment()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("keys"), "sk-container\n");
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var server = await SampleServer.StartAsync(
            [
                new("host", "127.0.0.1"), new("port", "0"), new("model", Repository.DemoModel),
                new("D2Pruner__Server__ApiKeyFile", folder.File("keys")), new("D2Pruner__Server__DrainSeconds", "3"),
            ],
            limit.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("v1/models", limit.Token)).StatusCode);
        server.Http.DefaultRequestHeaders.Authorization = new("Bearer", "sk-container");
        Assert.Contains("demo-llava", await server.Http.GetStringAsync("v1/models", limit.Token));
        Assert.Contains("d2pruner_num_requests_waiting", await server.Http.GetStringAsync("metrics", limit.Token));
    }

    /// <summary>Spans and measurements reach the receiver that the usual variables name.</summary>
    [Fact]
    public async Task TheSample_SendsItsTelemetry()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var server = await SampleServer.StartAsync(
            [
                new("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.Endpoint), new("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                new("OTEL_SERVICE_NAME", "eyes"), new("OTEL_METRIC_EXPORT_INTERVAL", "300"), new("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ],
            limit.Token, "--port", "0");
        var answer = await server.Http.PostAsync("v1/chat/completions", RunningServer.Json(
            RunningServer.ChatBody("\"max_tokens\":4", $"[{RunningServer.ImagePart()},{{\"type\":\"text\",\"text\":\"?\"}}]")),
            limit.Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string[] spans = ["d2pruner.preprocess", "d2pruner.queue", "d2pruner.vision", "d2pruner.prefill", "d2pruner.decode",
            "POST /v1/chat/completions"];
        string[] metrics = ["d2pruner_requests_total", "d2pruner_num_requests_waiting", "d2pruner.stage.duration",
            "http.server.request.duration"];
        while (spans.Except(receiver.Spans).Any() || metrics.Except(receiver.Metrics).Any())
        {
            Assert.False(limit.IsCancellationRequested,
                $"spans: {string.Join(", ", receiver.Spans.Distinct())}; metrics: {string.Join(", ", receiver.Metrics.Distinct())}");
            await Task.Delay(50);
        }

        Assert.All(receiver.Services, s => Assert.Equal("eyes", s));
        Assert.NotEmpty(receiver.Services);
        // Probes and scrapes are nobody's traces.
        Assert.DoesNotContain(receiver.Spans, s => s.Contains("/health", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Serve_NamesItsModels_AndTakesItsOptions()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("keys"), "sk-1\n");
        var parse = ServeCommand.Create()
            .Parse(["--model", Repository.DemoModel, "--name", "eyes", "--port", "0", "--api-key-file", folder.File("keys"), "--no-studio",
                "--drain-seconds", "3", "--requests-per-minute", "9", "--cors-origin", "https://a.example"]);
        Assert.Empty(parse.Errors);
        await using var app = ServeCommand.Build(parse);
        var options = app.Services.GetRequiredService<IOptions<D2PrunerServerOptions>>().Value;
        Assert.Equal((false, 3, 9, "https://a.example"),
            (options.Studio, options.DrainSeconds, options.RequestsPerMinutePerKey, options.CorsOrigins.Single()));
        Assert.Equal(["eyes"], app.Services.GetRequiredService<ServedModels>().All.Select(m => m.Id));
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("v1/models")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("")).StatusCode);
        for (var i = 0; i < 2000 && !(await http.GetAsync("health/ready")).IsSuccessStatusCode; i++) await Task.Delay(20);
        http.DefaultRequestHeaders.Authorization = new("Bearer", "sk-1");
        Assert.Equal(HttpStatusCode.OK,
            (await http.PostAsync("v1/chat/completions",
                RunningServer.Json(RunningServer.ChatBody("\"model\":\"eyes\",\"max_tokens\":2")))).StatusCode);
        await app.StopAsync();
    }

    [Fact]
    public async Task Serve_LoadsItsModelsAsTheFlagsSay()
    {
        var parse = ServeCommand.Create().Parse(["--model", Repository.DemoModel, "--name", "eyes", "--port", "0", "--quantization", "Int8",
            "--quantize-head", "--pull", "--no-memory-check"]);
        Assert.Empty(parse.Errors);
        await using var app = ServeCommand.Build(parse);
        var model = app.Services.GetRequiredService<IOptionsMonitor<VisionModelOptions>>().Get("eyes");
        Assert.Equal((Repository.DemoModel, "eyes"), (model.ModelPath, model.ModelId));
        Assert.Equal((ModelQuantization.Int8, true), (model.Quantization, model.QuantizeHead));
        Assert.Equal((true, false), (model.DownloadIfMissing, model.CheckMemory));
    }

    [Fact]
    public async Task Serve_TakesTheClientsSettings_AndItsOwnLimitBeforeThem()
    {
        const string setting = "D2Pruner__Clients__limited__DefaultMaxOutputTokens";
        string[] arguments = ["--model", Repository.DemoModel, "--name", "limited", "--port", "0"];
        Environment.SetEnvironmentVariable(setting, "77");
        try
        {
            foreach (var (expected, given) in new (int, string[])[]
                { (77, arguments), (9, [.. arguments, "--max-tokens", "9"]) })
            {
                await using var app = ServeCommand.Build(ServeCommand.Create().Parse(given));
                var client = app.Services.GetRequiredService<IOptionsMonitor<D2PrunerChatClientOptions>>().Get("limited");
                Assert.Equal((expected, "limited"), (client.DefaultMaxOutputTokens, client.Model));
                Assert.Equal(ToolConvention.Json, client.ToolConvention);
                Assert.True(client.ParseGroundings);
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable(setting, null);
        }
    }

    [Fact]
    public async Task Serve_FindsAModelByTheIdAsItWasGiven()
    {
        await using var app = ServeCommand.Build(ServeCommand.Create().Parse(["--model", "Owner/Tiny-1B", "--port", "0"]));
        var models = app.Services.GetRequiredService<ServedModels>();
        foreach (var name in new[] { "tiny-1b", "Owner/Tiny-1B", "owner/tiny-1b@main" }) Assert.Equal("tiny-1b", models.Find(name)?.Id);
        Assert.Null(models.Find("Owner/Other"));
    }

    [Theory]
    [InlineData("No model", "--port", "0")]
    [InlineData("--port", "--model", "MODEL", "--port", "70000")]
    [InlineData("--name", "--model", "MODEL", "--name", "a", "--name", "b")]
    [InlineData("--max-tokens must be", "--model", "MODEL", "--max-tokens", "0")]
    public async Task Serve_RefusesWhatItCannotDo(string says, params string[] arguments)
    {
        var before = Console.Error;
        using var writer = new StringWriter();
        Console.SetError(writer);
        try
        {
            Assert.Equal(1, await ServeCommand.Create().Parse([.. arguments.Select(a => a == "MODEL" ? Repository.DemoModel : a)])
                .InvokeAsync());
            Assert.Contains(says, writer.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }

    [Fact]
    public async Task Serve_RefusesAnOpenAddressWithoutKeys()
    {
        var before = Console.Error;
        using var writer = new StringWriter();
        Console.SetError(writer);
        try
        {
            Assert.Equal(1, await ServeCommand.Create().Parse(["--model", Repository.DemoModel, "--host", "0.0.0.0", "--port", "0"])
                .InvokeAsync());
            Assert.Contains("AllowAnonymous", writer.ToString());
        }
        finally
        {
            Console.SetError(before);
        }
    }
}
