using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using SkiaSharp;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The studio over the shipped model: what it draws is what the report says.</summary>
[Trait("Category", "Browser")]
[Collection(TorchCollection.Name)]
public sealed class StudioModelTests(StudioBrowser browser) : IClassFixture<StudioBrowser>
{
    private readonly List<string> _faults = [];

    [SkippableFact]
    public async Task WhatIsDrawn_IsWhatTheReportSays()
    {
        await using var server = await StartAsync();
        var page = await browser.OpenAsync(server.Address, _faults);
        await page.Locator("[data-sample='shapes.png']").ClickAsync();
        await Expect(page.Locator("#preview")).ToBeVisibleAsync();
        var reports = new List<JsonElement>();
        page.Response += async (_, response) =>
        {
            if (!response.Url.EndsWith("/v1/chat/completions", StringComparison.Ordinal)) return;
            var text = await response.TextAsync();
            var last = text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[^2];
            lock (reports) reports.Add(JsonDocument.Parse(last["data: ".Length..]).RootElement);
        };
        await StudioTests.AskAsync(page, "Where is the blue square?");
        var pruned = page.Locator(".run").First;
        await Expect(pruned.Locator(".answer")).ToContainTextAsync("[0.");
        var report = await ReportAsync("localization");
        await KeptAsync();

        // Every map.
        foreach (var map in new[] { "attention", "prior", "relative" })
        {
            await page.Locator("#map").SelectOptionAsync(map);
            await Expect(pruned.Locator(".patches .heat")).ToHaveCountAsync(576);
        }

        await page.Locator("#map").SelectOptionAsync("pivots");
        var pivots = report.GetProperty("images")[0].GetProperty("pivots").GetInt32();
        await Expect(pruned.Locator(".patches .pivot")).ToHaveCountAsync(pivots);
        await Expect(pruned.Locator(".patches .fill")).ToHaveCountAsync(288 - pivots);
        await page.Locator("#map").SelectOptionAsync("off");
        await Expect(pruned.Locator(".patches rect")).ToHaveCountAsync(0);
        await page.Locator("#map").SelectOptionAsync("kept");

        // The slider asks again for its column only; tokens and memory follow.
        lock (reports) reports.Clear();
        await page.Locator("#keep").FillAsync("20");
        await Expect(pruned.Locator(".badge")).ToHaveTextAsync("115 of 576 tokens");
        report = await ReportAsync("localization");
        await KeptAsync();
        Assert.True(report.GetProperty("kv_bytes").GetInt64() * 3 < report.GetProperty("kv_bytes_unpruned").GetInt64());
        await Expect(page.Locator("#summary")).ToContainTextAsync("20%");
        await Expect(page.Locator(".run").Nth(1).Locator(".badge")).ToHaveTextAsync("576 of 576 tokens");

        // Two methods side by side.
        await page.Locator("#other").SelectOptionAsync("fastv");
        await Expect(page.Locator(".run h3").Nth(1)).ToHaveTextAsync("With fastv");
        await Expect(page.Locator(".run").Nth(1).Locator(".badge")).ToHaveTextAsync("115 of 576 tokens");
        await Expect(page.Locator(".run").Nth(1).Locator(".patches .dropped")).ToHaveCountAsync(461);
        Assert.Empty(_faults);

        async Task<JsonElement> ReportAsync(string preset)
        {
            for (var i = 0; ; i++)
            {
                lock (reports)
                {
                    var found = reports.Select(r => r.GetProperty("pruning"))
                        .Where(p => p.GetProperty("preset").GetString() == preset).ToList();
                    if (found.Count > 0) return found[^1];
                }

                Assert.True(i < 300, "no report came by");
                await Task.Delay(20);
            }
        }

        async Task KeptAsync()
        {
            var kept = report.GetProperty("images")[0].GetProperty("kept").EnumerateArray().Select(k => k.GetInt32()).ToHashSet();
            var dropped = await pruned.Locator(".patches .dropped").EvaluateAllAsync<int[]>("all => all.map(r => Number(r.dataset.token))");
            Assert.Equal(Enumerable.Range(0, 576).Where(t => !kept.Contains(t)), dropped);
            // A patch lies where its token's cell lies: 14 pixels of 336 a cell.
            var rectangle = await pruned.Locator($".patches .dropped[data-token='{dropped[5]}']")
                .EvaluateAsync<double[]>("r => ['x', 'y', 'width', 'height'].map(a => Number(r.getAttribute(a)))");
            Assert.Equal([dropped[5] % 24 * 14.0, dropped[5] / 24 * 14.0, 14.0, 14.0], rectangle.Select(v => Math.Round(v, 6)));
        }
    }

    [SkippableFact]
    public async Task ASecondQuestion_ShowsWhatWasReused()
    {
        await using var server = await StartAsync();
        var page = await browser.OpenAsync(server.Address, _faults);
        await page.Locator("[data-sample='shapes.png']").ClickAsync();
        await Expect(page.Locator("#preview")).ToBeVisibleAsync();
        await StudioTests.AskAsync(page, "What colour is the circle?");
        await StudioTests.AskAsync(page, "How many things are there?");
        var facts = page.Locator(".run").First.Locator(".facts");
        await Expect(facts).ToContainTextAsync(new Regex(@"Prompt tokens reused\s*5\d\d of 5\d\d"));
        // And as a conversation: both turns are shown and sent.
        await page.Locator("#follow").CheckAsync();
        var request = page.WaitForRequestAsync("**/v1/chat/completions");
        await StudioTests.AskAsync(page, "Where is the blue square?");
        var messages = JsonDocument.Parse((await request).PostData!).RootElement.GetProperty("messages");
        Assert.Equal(["user", "assistant", "user"], messages.EnumerateArray().Select(m => m.GetProperty("role").GetString()));
        await Expect(page.Locator(".run").First.Locator(".talk p")).ToHaveCountAsync(2);
        Assert.Empty(_faults);
    }

    [SkippableFact]
    public async Task ARotatedPhoto_HasItsBoxOnTheThing()
    {
        await using var server = await StartAsync();
        var page = await browser.OpenAsync(server.Address, _faults);
        await page.Locator("#file")
            .SetInputFilesAsync(new FilePayload { Name = "rotated.jpg", MimeType = "image/jpeg",
                Buffer = Rotated(await server.Http.GetByteArrayAsync("studio/samples/shapes.png")) });
        await Expect(page.Locator("#image-facts")).ToContainTextAsync("rotated.jpg: 336 × 336");
        await StudioTests.AskAsync(page, "Where is the blue square?");
        var centre = await page.Locator(".run").First.EvaluateAsync<int[]>(
            """
            run => {
              const image = run.querySelector(".canvas img"), box = run.querySelector(".box");
              const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
              const context = canvas.getContext("2d");
              context.drawImage(image, 0, 0);
              const i = image.getBoundingClientRect(), b = box.getBoundingClientRect();
              const at = (v, low, size, pixels) => Math.round((v - low) / size * pixels);
              return [...context.getImageData(at(b.x + b.width / 2, i.x, i.width, canvas.width), at(b.y + b.height / 2, i.y, i.height, canvas.height), 1, 1).data];
            }
            """);
        Assert.True(centre[2] > 150 && centre[0] < 100, $"the box's centre is {string.Join(",", centre)}, not blue");
        Assert.Empty(_faults);
    }

    [SkippableFact]
    public async Task TheCopiedRequest_Works()
    {
        await using var server = await StartAsync();
        var page = await browser.OpenAsync(server.Address, _faults);
        await page.Locator("[data-sample='shapes.png']").ClickAsync();
        await Expect(page.Locator("#preview")).ToBeVisibleAsync();
        await page.Locator("#key").FillAsync("sk-never-shown");
        await page.Locator("#question").FillAsync("What's the circle's colour?");
        await page.Locator("#curl").ClickAsync();
        await Expect(page.Locator("#code-state")).ToHaveTextAsync("Copied.");
        var curl = await page.EvaluateAsync<string>("navigator.clipboard.readText()");
        Assert.Equal(await page.Locator("#code-text").TextContentAsync(), curl);
        await page.Keyboard.PressAsync("Escape");
        await page.Locator("#csharp").ClickAsync();
        var csharp = await page.Locator("#code-text").TextContentAsync();
        foreach (var part in new[] { "new ChatClient(\"demo-llava\"", "shapes.png", "What's the circle's colour?", $"{server.Address}v1",
            "\"pruning\"" }) Assert.Contains(part, csharp);
        Assert.DoesNotContain("sk-never-shown", curl + csharp);
        Skip.IfNot(File.Exists("/bin/bash") && File.Exists("/usr/bin/curl"), "bash and curl are not installed");
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("shapes.png"), await server.Http.GetByteArrayAsync("studio/samples/shapes.png"));
        using var process = Process.Start(
            new ProcessStartInfo("/bin/bash",
                ["-c", curl.Replace("curl ", "curl -sS --noproxy '*' --max-time 30 ", StringComparison.Ordinal)]) { WorkingDirectory =
                folder.Path, RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal(576, answer.GetProperty("pruning").GetProperty("visual_tokens").GetInt32());
        Assert.Empty(_faults);
    }

    /// <summary>Writes the images of docs/images where <c>D2PRUNER_SCREENSHOTS</c> names the folder; else into a
    /// folder that goes with the test.</summary>
    [SkippableFact]
    public async Task Screenshots_AreMade()
    {
        using var temporary = new TemporaryFolder();
        var folder = Environment.GetEnvironmentVariable("D2PRUNER_SCREENSHOTS") ?? temporary.Path;
        await using var server = await StartAsync();
        // Loads the model, so that no picture shows the time of that.
        await server.ChatAsync(RunningServer.ChatBody("\"max_tokens\":1", $"[{RunningServer.ImagePart()}]"));
        foreach (var (name, width, scheme, sample, question, map) in new[]
        {
            ("studio-wide-light", 1280, ColorScheme.Light, "shapes.png", "Where is the blue square?", "kept"),
            ("studio-wide-dark", 1280, ColorScheme.Dark, "scene.png", "Where is the yellow triangle?", "relative"),
            ("studio-narrow-light", 360, ColorScheme.Light, "crowd.png", "Where is the orange circle?", "kept"),
            ("studio-narrow-dark", 360, ColorScheme.Dark, "still-life.jpg", "Where is the red circle?", "pivots"),
        })
        {
            var page = await browser.OpenAsync(server.Address, _faults, width, 900, scheme);
            await page.Locator($"[data-sample='{sample}']").ClickAsync();
            await Expect(page.Locator("#preview")).ToBeVisibleAsync();
            await page.Locator("#map").SelectOptionAsync(map);
            await StudioTests.AskAsync(page, question);
            await Expect(page.Locator(".run").First.Locator(".box")).ToBeVisibleAsync();
            var path = Path.Combine(folder, name + ".png");
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = path, FullPage = true });
            Assert.True(new FileInfo(path).Length > 20_000);
        }

        Assert.Empty(_faults);
    }

    private static Task<RunningServer> StartAsync() =>
        RunningServer.StartAsync(services => services.AddD2PrunerChatClient(Repository.DemoModel, o => o.ParseGroundings = true));

    // Turned left, with the mark that turns it right again (EXIF orientation 6), as phones write it.
    private static byte[] Rotated(byte[] png)
    {
        using var upright = SKBitmap.Decode(png);
        using var turned = new SKBitmap(upright.Height, upright.Width);
        for (var y = 0; y < upright.Height; y++)
            for (var x = 0; x < upright.Width; x++) turned.SetPixel(y, upright.Width - 1 - x, upright.GetPixel(x, y));
        using var data = turned.Encode(SKEncodedImageFormat.Jpeg, 95);
        var jpeg = data.ToArray();
        byte[] exif = [0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. Imaging.TestPng.Orientation(6)];
        return [.. jpeg[..2], .. exif, .. jpeg[2..]];
    }
}
