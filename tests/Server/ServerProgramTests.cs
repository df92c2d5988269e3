using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using D2Pruner.AI.Cli;
using D2Pruner.AI.Server;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The programs that people start: the sample as a process of its own, and <c>d2pruner serve</c>.</summary>
[Collection(TorchCollection.Name)]
public sealed partial class ServerProgramTests
{
    [Fact]
    public async Task TheSample_StartsWithoutConfiguration_AndEndsWhenTold()
    {
        var built = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var program = Path.Combine(Repository.Root, "samples", "Server", "bin", built.Parent!.Name, built.Name, "Server.dll");
        using var process = Process.Start(
            new ProcessStartInfo("dotnet", [program, "--port", "0"]) { RedirectStandardOutput = true, RedirectStandardError = true,
                WorkingDirectory = Path.GetTempPath() })!;
        try
        {
            var address = "";
            var lines = new List<string>();
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (address.Length == 0 && await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                lines.Add(line);
                address = Listening().Match(line) is { Success: true } m ? m.Groups[1].Value : "";
            }

            Assert.True(address.Length > 0, string.Join("\n", lines));
            _ = process.StandardOutput.ReadToEndAsync();
            using var http = new HttpClient { BaseAddress = new Uri(address) };
            while (!(await http.GetAsync("health/ready", limit.Token)).IsSuccessStatusCode) await Task.Delay(50, limit.Token);
            Assert.Contains("studio", await http.GetStringAsync("", limit.Token));
            var answer = await http.PostAsync(
                "v1/chat/completions", RunningServer.Json(RunningServer.ChatBody("\"max_tokens\":4")), limit.Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            if (OperatingSystem.IsWindows()) return;
            using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
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

    [Theory]
    [InlineData("No model", "--port", "0")]
    [InlineData("--port", "--model", "MODEL", "--port", "70000")]
    [InlineData("--name", "--model", "MODEL", "--name", "a", "--name", "b")]
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

    [GeneratedRegex(@"^Listening at (http://127\.0\.0\.1:\d+) ")]
    private static partial Regex Listening();
}
