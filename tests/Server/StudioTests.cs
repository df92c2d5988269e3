using System.Text.Json;
using System.Text.RegularExpressions;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Tests.Provider;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Extensions.AI;
using Microsoft.Playwright;
using SkiaSharp;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace D2Pruner.AI.Tests.Server;

/// <summary>The studio as a person meets it, in Chromium, over scripted answers;
/// <see cref="StudioModelTests"/> has the real model.</summary>
[Trait("Category", "Browser")]
[Collection(TorchCollection.Name)]
public sealed class StudioTests(StudioBrowser browser) : IClassFixture<StudioBrowser>
{
    // The scripted engine's image: 200x100, its answer's box at 50..100 x 50..100 pixels.
    private static readonly byte[] Wide = TinyPng.Draw(SKColors.SteelBlue, 200, 100);
    private readonly List<string> _faults = [];

    [SkippableFact]
    public async Task AnImage_ComesByPicker_DropAndPaste()
    {
        await using var server = await RunningServer.StartAsync(Boxes());
        var page = await browser.OpenAsync(server.Address, _faults);
        await page.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "picked.png", MimeType = "image/png", Buffer = Wide });
        await Expect(page.Locator("#image-facts")).ToHaveTextAsync(new Regex("picked.png: 200 × 100"));
        foreach (var (way, name) in new[] { ("drop", "dropped.png"), ("paste", "pasted.png") })
        {
            await page.EvaluateAsync(
                """
                ([way, name, base64]) => {
                  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
                  const data = new DataTransfer();
                  data.items.add(new File([bytes], name, { type: "image/png" }));
                  document.dispatchEvent(way === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }) : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
                }
                """,
                new object[] { way, name, Convert.ToBase64String(Wide) });
            await Expect(page.Locator("#image-facts")).ToHaveTextAsync(new Regex($"{name}: 200 × 100"));
            await Expect(page.Locator("#preview")).ToBeVisibleAsync();
        }

        Assert.Empty(_faults);
    }

    [SkippableFact]
    public async Task AnAnswer_Streams_AndStopEndsIt()
    {
        var chat = new ScriptedChat { Delay = TimeSpan.FromMilliseconds(60),
            Pieces = [.. Enumerable.Range(0, 400).Select(i => $"word{i} ")] };
        await using var server = await RunningServer.StartAsync(chat);
        var page = await browser.OpenAsync(server.Address, _faults);
        await AskAsync(page, "Tell me.", wait: false);
        var answer = page.Locator(".run").Nth(1).Locator(".answer");
        await Expect(answer).ToContainTextAsync("word3");
        await Expect(answer).ToHaveAttributeAsync("aria-busy", "true");
        await page.Locator("#stop").ClickAsync();
        await Expect(answer).ToContainTextAsync("(stopped)");
        await Expect(page.Locator("#send")).ToBeEnabledAsync();
        for (var i = 0; i < 6000 && chat.Cancelled == 0; i++) await Task.Delay(10);
        Assert.Equal(1, chat.Cancelled);
        await Expect(page.Locator("#error")).ToBeHiddenAsync();
        Assert.DoesNotContain("word399", await answer.InnerTextAsync());
        Assert.Empty(_faults);
    }

    [SkippableFact]
    public async Task ABox_StaysOnItsPixels_AndItsWordsAreLinked()
    {
        await using var server = await RunningServer.StartAsync(Boxes());
        var page = await browser.OpenAsync(server.Address, _faults);
        await page.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "wide.png", MimeType = "image/png", Buffer = Wide });
        await AskAsync(page, "Where is the cat?");
        var run = page.Locator(".run").First;
        await OnItsPixels();
        await page.SetViewportSizeAsync(500, 900);
        await OnItsPixels();
        await page.SetViewportSizeAsync(1280, 900);
        for (var i = 0; i < 3; i++)
        {
            await run.Locator(".zoom-in").ClickAsync();
            await OnItsPixels();
        }

        await Expect(run.Locator(".zoom-value")).ToHaveTextAsync("338%");
        await page.EvaluateAsync("document.body.style.zoom = '1.5'");
        await OnItsPixels();
        await page.EvaluateAsync("document.body.style.zoom = ''");
        // The words of the box, and back.
        var mention = run.Locator(".mention");
        await Expect(mention).ToHaveTextAsync("[0.25, 0.5, 0.5, 0.75]");
        await mention.FocusAsync();
        await Expect(run.Locator(".box")).ToHaveClassAsync(new Regex("hot"));
        await run.Locator(".box").FocusAsync();
        await Expect(mention).ToHaveClassAsync(new Regex("hot"));
        Assert.Equal("box 1: from 50,50 to 100,100 pixels", await run.Locator(".box").GetAttributeAsync("aria-label"));
        Assert.Empty(_faults);

        async Task OnItsPixels()
        {
            var image = (await run.Locator(".canvas img").BoundingBoxAsync())!;
            var box = (await run.Locator(".box").BoundingBoxAsync())!;
            var scale = image.Width / 200;
            Assert.Equal(image.X + (50 * scale), box.X, 2.0);
            Assert.Equal(image.Y + (50 * scale), box.Y, 2.0);
            Assert.Equal(50 * scale, box.Width, 2.0);
            Assert.Equal(50 * scale, box.Height, 2.0);
        }
    }

    [SkippableFact]
    public async Task TheImagesTime_IsShownApart_SoThatColumnsCompare()
    {
        // The run without pruning comes first and pays for the image; what it took is more than the whole answer here, so nothing is left.
        var engine = new ScriptedEngine
        {
            ImageTimes = number => number == 1 ? (TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)) : default,
        };
        await using var server = await RunningServer.StartAsync(new D2PrunerChatClient(engine));
        var page = await browser.OpenAsync(server.Address, _faults);
        await Expect(page.Locator("#times-note")).ToBeHiddenAsync();
        await page.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "wide.png", MimeType = "image/png", Buffer = Wide });
        await AskAsync(page, "Where is the cat?");
        await Expect(page.Locator("#times-note")).ToBeVisibleAsync();
        var (pruned, unpruned) = (page.Locator(".run .facts").First, page.Locator(".run .facts").Nth(1));
        foreach (var time in new[] { @"First token, image apart\s*", @"Whole answer, image apart\s*" })
        {
            await Expect(unpruned).ToContainTextAsync(new Regex(time + @"0\.0 ms"));
            await Expect(pruned).ToContainTextAsync(new Regex(time + @"\d"));
            await Expect(pruned).Not.ToContainTextAsync(new Regex(time + @"0\.0 ms"));
        }

        await Expect(unpruned).ToContainTextAsync(new Regex(@"Image · prefill · decode\s*180\.0 s · "));
        await Expect(pruned).ToContainTextAsync(new Regex(@"Image · prefill · decode\s*0\.0 ms · "));
        Assert.Empty(_faults);
    }

    [SkippableFact]
    public async Task WhatGoesWrong_IsSaidClearly()
    {
        var chat = new ScriptedChat();
        var server = await RunningServer.StartAsync(chat, o =>
        {
            o.ApiKeys.Add("sesame");
            o.MaxBodyBytes = 100_000;
        });
        await using var _ = server;
        var page = await browser.OpenAsync(server.Address, _faults, checkModels: false);
        var error = page.Locator("#error");
        await Expect(error).ToContainTextAsync("The key is missing or wrong");
        await page.Locator("#key").FillAsync("open");
        await page.Locator("#key").BlurAsync();
        await Expect(error).ToContainTextAsync("not known to this server");
        await page.Locator("#key").FillAsync("sesame");
        await page.Locator("#key").BlurAsync();
        await Expect(error).ToBeHiddenAsync();
        await Expect(page.Locator("#model option")).ToHaveCountAsync(1);

        // Too large, corrupt, busy.
        using var noise = new SKBitmap(400, 400);
        var random = new Random(1);
        for (var y = 0; y < 400; y++) for (var x = 0; x < 400; x++) noise.SetPixel(x, y, new SKColor((uint)random.Next() | 0xFF000000));
        using var large = noise.Encode(SKEncodedImageFormat.Png, 100);
        await page.Locator("#file")
            .SetInputFilesAsync(new FilePayload { Name = "large.png", MimeType = "image/png", Buffer = large.ToArray() });
        await AskAsync(page, "What is it?");
        await Expect(error).ToContainTextAsync("The image is too large for this server");
        await page.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "broken.png", MimeType = "image/png", Buffer = [1, 2, 3] });
        await Expect(page.Locator("#image-facts")).ToContainTextAsync("cannot show it");
        chat.Fails = () => new Runtime.Imaging.ImageDecodeException("The image is damaged.");
        await AskAsync(page, "What is it?");
        await Expect(error).ToContainTextAsync("The image cannot be read");
        chat.Fails = () => new EngineBusyException(64);
        await AskAsync(page, "What is it?");
        await Expect(error).ToContainTextAsync("The server is busy");
        await Expect(error).ToContainTextAsync("Try again in 1 s");

        // The server dies in the middle of an answer, and is not there for the next.
        chat.Fails = () => null;
        (chat.Delay, chat.Pieces) = (TimeSpan.FromMilliseconds(50), [.. Enumerable.Repeat("word ", 1000)]);
        await page.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "wide.png", MimeType = "image/png", Buffer = Wide });
        await AskAsync(page, "Go on.", wait: false);
        await Expect(page.Locator(".run").Nth(1).Locator(".answer")).ToContainTextAsync("word word");
        await server.KillAsync();
        await Expect(error).ToContainTextAsync(new Regex("broken off|went away in the middle"));
        await Expect(page.Locator(".run").Nth(1).Locator(".answer")).ToContainTextAsync("word word");
        await AskAsync(page, "Still there?");
        await Expect(error).ToContainTextAsync("The server cannot be reached");
        Assert.Empty(_faults);
    }

    [SkippableFact]
    public async Task Reloading_ForgetsTheKey_AndNothingIsStored()
    {
        await using var server = await RunningServer.StartAsync(Boxes(), o => o.ApiKeys.Add("sesame"));
        var page = await browser.OpenAsync(server.Address, _faults, checkModels: false);
        await page.Locator("#key").FillAsync("sesame");
        await page.Locator("#key").BlurAsync();
        await Expect(page.Locator("#model option")).ToHaveCountAsync(1);
        await AskAsync(page, "Where is it?");
        await Expect(page.Locator(".run")).ToHaveCountAsync(2);
        Assert.Equal("[0,0,\"\"]",
            JsonSerializer.Serialize(
                await page.EvaluateAsync<JsonElement>("[localStorage.length, sessionStorage.length, document.cookie]")));
        await page.ReloadAsync();
        await Expect(page.Locator("#error")).ToContainTextAsync("The key is missing or wrong");
        await Expect(page.Locator("#key")).ToHaveValueAsync("");
        await Expect(page.Locator(".run")).ToHaveCountAsync(0);
        Assert.Empty(_faults);
    }

    [SkippableFact]
    public async Task ACopiedFollowUp_HasItsConversation_AndBracesAreText()
    {
        await using var server = await RunningServer.StartAsync(Boxes());
        var page = await browser.OpenAsync(server.Address, _faults);
        await page.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "wide.png", MimeType = "image/png", Buffer = Wide });
        await AskAsync(page, "Where is the cat?");
        await page.Locator("#follow").CheckAsync();
        await page.Locator("#question").FillAsync("Is it {{{x}}}?");
        foreach (var button in new[] { "#curl", "#csharp" })
        {
            await page.Locator(button).ClickAsync();
            var code = await page.Locator("#code-text").TextContentAsync();
            foreach (var part in new[] { "Where is the cat?", "\"role\": \"assistant\"", "A cat at [0.25, 0.5, 0.5, 0.75]",
                "Is it {{{x}}}?" }) Assert.Contains(part, code);
            if (button == "#csharp") Assert.Matches("body = [$]{4}\"\"\"\n(.*\n)*.*\"[{]{4}image[}]{4}\"", code);
            await page.Keyboard.PressAsync("Escape");
        }

        Assert.Empty(_faults);
    }

    [SkippableTheory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(360, ColorScheme.Light)]
    [InlineData(360, ColorScheme.Dark)]
    public async Task EveryoneCanUseIt(int width, ColorScheme scheme)
    {
        await using var server = await RunningServer.StartAsync(Boxes());
        var page = await browser.OpenAsync(server.Address, _faults, width, 800, scheme);
        await Serious("empty");
        await page.Locator("#file").SetInputFilesAsync(new FilePayload { Name = "wide.png", MimeType = "image/png", Buffer = Wide });
        await AskAsync(page, "Where is the cat?");
        await Serious("answered");
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"),
            "the page is wider than its window");
        // By keyboard alone: Enter asks.
        await page.Locator("#question").FillAsync("And now?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#status")).ToContainTextAsync("Answered");
        Assert.Empty(_faults);

        async Task Serious(string when)
        {
            var result = await page.RunAxe();
            var found = result.Violations.Where(v => v.Impact is "serious" or "critical")
                .Select(v => $"{v.Id}: {v.Help} ({string.Join(", ", v.Nodes.Select(n => n.Target))})").ToList();
            Assert.True(found.Count == 0, $"{when}: {string.Join("\n", found)}");
        }
    }

    private static D2PrunerChatClient Boxes() =>
        new(new ScriptedEngine { Pieces = ["A cat at ", "[0.25, 0.5, 0.5, 0.75]"] },
            new D2PrunerChatClientOptions { ParseGroundings = true });

    internal static async Task AskAsync(IPage page, string question, bool wait = true)
    {
        await page.Locator("#question").FillAsync(question);
        await page.Locator("#send").ClickAsync();
        if (wait) await Expect(page.Locator("#send")).ToBeEnabledAsync(new LocatorAssertionsToBeEnabledOptions { Timeout = 60_000 });
    }
}
