using Microsoft.Playwright;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>One Chromium for all tests of the studio; absent where none can be had.</summary>
public sealed class StudioBrowser : IAsyncLifetime
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Why there is no browser; null where there is one.</summary>
    public string? Missing { get; private set; }

    public async Task InitializeAsync()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var path = Names.SelectMany(n => folders.Select(f => Path.Combine(f, n))).FirstOrDefault(File.Exists);
        if (path is null)
        {
            Missing = "no Chromium is installed here (apt-get install chromium)";
            return;
        }

        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = path, Args = ["--no-sandbox"] });
    }

    /// <summary>A page of its own at an address; what the page's code throws fails the test that reads <paramref name="faults"/>.</summary>
    public async Task<IPage> OpenAsync(
        Uri address, List<string> faults, int width = 1280, int height = 1000, ColorScheme scheme = ColorScheme.Light,
        bool checkModels = true)
    {
        Skip.If(Missing is not null, Missing);
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = scheme,
            Permissions = ["clipboard-read", "clipboard-write"],
        });
        context.SetDefaultTimeout(30_000);
        var page = await context.NewPageAsync();
        page.PageError += (_, e) => faults.Add(e);
        await page.GotoAsync(address.ToString());
        if (checkModels) await Assertions.Expect(page.Locator("#model option")).Not.ToHaveCountAsync(0);
        return page;
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
