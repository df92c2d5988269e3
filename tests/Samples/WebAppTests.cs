using System.Diagnostics;
using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.RegularExpressions;
using D2Pruner.AI.Tests.Server;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace D2Pruner.AI.Tests.Samples;

/// <summary>samples/WebApp, started as a person does: in its folder, with the demo model of its settings.</summary>
[Trait("Category", "Browser")]
[Collection(TorchCollection.Name)]
public sealed partial class WebAppTests(StudioBrowser browser, WebAppTests.Running app)
    : IClassFixture<StudioBrowser>, IClassFixture<WebAppTests.Running>
{
    private static readonly string Folder = Path.Combine(Repository.Root, "samples", "WebApp");
    private static readonly string Template = Path.Combine(Repository.Root, "templates", "content", "d2pruner-api");
    private static readonly string Image = Path.Combine(Repository.Root, "samples", "VisionAgent", "images", "shapes.png");

    [Fact]
    public async Task AForm_IsAnsweredAsItIsWritten_WithBoxes()
    {
        using var response = await AskAsync(await File.ReadAllBytesAsync(Image), "Where is the blue square?");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        var events = await SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync().ToListAsync();
        Assert.True(events.Count(e => e.EventType == "text") > 1);
        Assert.Equal("done", events[^1].EventType);
        var done = JsonDocument.Parse(events[^1].Data).RootElement;
        Assert.Equal((576, 288), (done.GetProperty("visual_tokens").GetInt32(), done.GetProperty("visual_tokens_kept").GetInt32()));
        // The square's sides are at 0.67, 0.23, 0.76 and 0.31.
        var box = done.GetProperty("boxes")[0].GetProperty("box").EnumerateArray().Select(v => v.GetDouble()).ToArray();
        Assert.All(box.Zip([0.67, 0.23, 0.76, 0.31]), p => Assert.InRange(p.First, p.Second - 0.05, p.Second + 0.05));
    }

    [Fact]
    public async Task WhatIsNoImage_IsToldInTheStream_AndNothingIsRefusedAtOnce()
    {
        using (var response = await AskAsync("no image"u8.ToArray(), "What is this?"))
            Assert.Contains("event: error", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using (var response = await AskAsync([], "What is this?")) Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [SkippableFact]
    public async Task ThePage_ShowsAnswerAndBoxes()
    {
        var faults = new List<string>();
        var page = await browser.OpenAsync(app.Address, faults, checkModels: false);
        await page.Locator("input[type=file]").SetInputFilesAsync(Image);
        await page.Locator("input[name=question]").FillAsync("Where is the blue square?");
        await page.Locator("button").ClickAsync();
        await Expect(page.Locator("#note")).ToContainTextAsync("288 of 576 visual tokens kept");
        await Expect(page.Locator("#answer")).ToContainTextAsync("[0.");
        var magenta = await page.Locator("#view").EvaluateAsync<int>("""
            c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
                   for (let i = 0; i < d.length; i += 4) if (d[i] > 200 && d[i + 1] < 60 && d[i + 2] > 200) n++; return n; }
            """);
        Assert.True(magenta > 50, $"{magenta} pixels of a box");
        Assert.Empty(faults);
    }

    [Fact]
    public void TheTemplate_IsTheSameProgram()
    {
        Assert.Equal(File.ReadAllText(Path.Combine(Template, "Program.cs")), File.ReadAllText(Path.Combine(Folder, "Program.cs")));
        Assert.Equal(
            File.ReadAllText(Path.Combine(Template, "appsettings.json"))
                .Replace("MODEL_ID", "../DemoModel/demo-llava", StringComparison.Ordinal),
            File.ReadAllText(Path.Combine(Folder, "appsettings.json")));
    }

    private async Task<HttpResponseMessage> AskAsync(byte[] image, string question)
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(image), "image", "image.png" }, { new StringContent(question), "question" },
        };
        return await app.Client.PostAsync("ask", form);
    }

    public sealed partial class Running : IAsyncLifetime
    {
        private readonly Process _process = new()
        {
            StartInfo = new ProcessStartInfo("dotnet", [BuiltProgram.Path("samples/WebApp", "WebApp"), "--urls", "http://127.0.0.1:0"])
                { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Folder },
        };

        internal Uri Address { get; private set; } = null!;

        internal HttpClient Client { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            _process.Start();
            var lines = new List<string>();
            while (Address is null)
            {
                if (await _process.StandardOutput.ReadLineAsync(limit.Token) is not { } line)
                {
                    lines.Add(await _process.StandardError.ReadToEndAsync(limit.Token));
                    throw new InvalidOperationException($"It ended: {string.Join('\n', lines)}");
                }

                lines.Add(line);
                if (Listening().Match(line) is { Success: true } m) Address = new Uri(m.Groups[1].Value);
            }

            _ = _process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            _ = _process.StandardError.ReadToEndAsync(CancellationToken.None);
            Client = new HttpClient { BaseAddress = Address };
            while (await Client.GetStringAsync("health", limit.Token) != "Healthy") await Task.Delay(50, limit.Token);
        }

        public Task DisposeAsync()
        {
            Client?.Dispose();
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
            _process.Dispose();
            return Task.CompletedTask;
        }

        [GeneratedRegex(@"Now listening on: (http://\S+)")]
        private static partial Regex Listening();
    }
}
