using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using D2Pruner.AI.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Xunit;

namespace D2Pruner.AI.Tests.Server;

/// <summary>Who may call, from where, how often.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task Keys_AreAskedFor_EverywhereUnderV1()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("keys"), "# ours\nsk-file\n\n  sk-other  \n");
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), o =>
        {
            o.ApiKeys.Add("sk-code");
            o.ApiKeyFile = folder.File("keys");
        });
        foreach (var key in new[] { "sk-code", "sk-file", "sk-other" })
            Assert.Equal(HttpStatusCode.OK, (await server.ChatAsync(RunningServer.ChatBody(), key: key)).Status);
        foreach (var key in new[] { null, "sk-", "sk-cod", "sk-codee", "# ours", " ", new string('k', 10_000) })
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Post, "v1/chat/completions") { Content = RunningServer.Json(RunningServer.ChatBody()) };
            if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
            var response = await server.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
            Assert.Equal("invalid_api_key",
                JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error")
                .GetProperty("code").GetString());
        }

        foreach (var path in new[] { "v1/models", "v1/models/scripted", "v1/nothing" })
            Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync(path)).StatusCode);
        foreach (var path in new[] { "health/live", "health/ready", "metrics", "openapi/v1.json", "" })
            Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(path)).StatusCode);
    }

    [Fact]
    public async Task Metrics_AskForAKey_WhereToldTo()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), o =>
        {
            o.ApiKeys.Add("k");
            o.RequireKeyForMetrics = true;
        });
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Http.GetAsync("metrics")).StatusCode);
        server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "k");
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("metrics")).StatusCode);
    }

    [Fact]
    public async Task AKeysLimit_Is429_AndOnlyItsOwn()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), o =>
        {
            o.ApiKeys = ["a", "b"];
            o.RequestsPerMinutePerKey = 2;
        }, inMemory: true);
        var three = new[] { await Ask("a"), await Ask("a"), await Ask("a") };
        Assert.Equal(new[] { 200, 200, 429 }, three);
        Assert.Equal(200, await Ask("b"));
        var (_, json, response) = await server.ChatAsync(RunningServer.ChatBody(), key: "a");
        Assert.Equal("rate_limit_exceeded", json.GetProperty("error").GetProperty("code").GetString());
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);

        async Task<int> Ask(string key) => (int)(await server.ChatAsync(RunningServer.ChatBody(), key: key)).Status;
    }

    [Theory]
    [InlineData("http://0.0.0.0:0", false, false)]
    [InlineData("http://0.0.0.0:0", true, true)]
    [InlineData("http://127.0.0.1:0", false, true)]
    [InlineData("http://[::1]:0", false, true)]
    public async Task AnOpenAddress_NeedsKeys_OrAWord(string url, bool anonymous, bool starts)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.AddChatClient(new ScriptedChat());
        builder.Services.AddD2PrunerServer(o => o.AllowAnonymous = anonymous);
        builder.WebHost.UseKestrelCore().UseUrls(url);
        await using var app = builder.Build();
        app.UseRouting();
        app.MapD2PrunerServer();
        if (starts)
        {
            await app.StartAsync();
            await app.StopAsync();
        }
        else Assert.Contains("AllowAnonymous", (await Assert.ThrowsAsync<InvalidOperationException>(() => app.StartAsync())).Message);
    }

    [Theory]
    [InlineData("http://127.0.0.1:80", true)]
    [InlineData("http://localhost:80", true)]
    [InlineData("https://[::1]:1", true)]
    [InlineData("http://unix:/tmp/x.sock", true)]
    [InlineData("http://*:80", false)]
    [InlineData("http://+:80", false)]
    [InlineData("http://[::]:80", false)]
    [InlineData("http://10.0.0.1:80", false)]
    [InlineData("http://example.org:80", false)]
    public void OpenAddresses_AreKnown(string address, bool own) => Assert.Equal(own, !AddressGuard.Open([address]).Any());

    [Fact]
    public async Task WithoutKeys_OnlyLocalNames_AreAnswered()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        foreach (var (host, status) in new[] { ("localhost", 200), ("127.0.0.1:1", 200), ("rebind.example.org", 403), ("10.0.0.1", 403) })
        {
            using var request = new HttpRequestMessage(
                HttpMethod.Post, "v1/chat/completions") { Content = RunningServer.Json(RunningServer.ChatBody()),
                Headers = { Host = host } };
            Assert.Equal(status, (int)(await server.Http.SendAsync(request)).StatusCode);
        }
    }

    [Fact]
    public async Task Cors_IsOff_UntilOriginsAreNamed()
    {
        await using (var closed = await RunningServer.StartAsync(new ScriptedChat())) Assert.False(
            (await Preflight(closed, "https://a.example")).Headers.Contains("Access-Control-Allow-Origin"));
        await using var open = await RunningServer.StartAsync(new ScriptedChat(), o => o.CorsOrigins.Add("https://a.example"));
        var allowed = await Preflight(open, "https://a.example");
        Assert.Equal("https://a.example", allowed.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains("POST", allowed.Headers.GetValues("Access-Control-Allow-Methods").Single());
        Assert.False((await Preflight(open, "https://b.example")).Headers.Contains("Access-Control-Allow-Origin"));

        static Task<HttpResponseMessage> Preflight(RunningServer server, string origin) =>
            server.Http.SendAsync(new HttpRequestMessage(HttpMethod.Options, "v1/chat/completions")
        {
            Headers = { { "Origin", origin }, { "Access-Control-Request-Method", "POST" },
                { "Access-Control-Request-Headers", "authorization,content-type" } },
        });
    }

    [Fact]
    public async Task Errors_CarryTheHeadersOfAnswers()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat(), o =>
        {
            o.ApiKeys.Add("k");
            o.CorsOrigins.Add("https://a.example");
        });
        foreach (var (key, status) in new[] { ("k", 400), ("wrong", 401) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions") { Content = RunningServer.Json("{}") };
            request.Headers.Add("Origin", "https://a.example");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using var response = await server.Http.SendAsync(request);
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Equal("https://a.example", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
            Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.True(response.Headers.CacheControl!.NoStore);
            Assert.False(response.Headers.Contains("X-Request-Id"));
        }
    }

    [Fact]
    public async Task BadSettings_StopTheStart()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("empty"), "# nothing\n");
        foreach (var (configure, says) in new (Action<D2PrunerServerOptions>, string)[]
        {
            (o => o.MaxBodyBytes = 1, "MaxBodyBytes"), (o => o.CorsOrigins.Add("example.org"), "CorsOrigins"),
                (o => o.ApiKeys.Add(" "), "ApiKeys"), (o => o.DrainSeconds = -1, "DrainSeconds"),
            (o => o.ApiKeyFile = folder.File("empty"), "holds no key"), (o => o.ApiKeyFile = folder.File("missing"), "missing"),
        })
        {
            var e = await Assert.ThrowsAnyAsync<Exception>(
                async () => await (await RunningServer.StartAsync(new ScriptedChat(), configure)).DisposeAsync());
            Assert.Contains(says, e.Message);
        }

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await (await RunningServer.StartAsync(_ => { })).DisposeAsync());
    }

    [Fact]
    public async Task TheStudiosFiles_HaveAStrictPolicy_AndNothingElseIsServed()
    {
        await using var server = await RunningServer.StartAsync(new ScriptedChat());
        var page = await server.Http.GetAsync("");
        Assert.Equal("text/html", page.Content.Headers.ContentType!.MediaType);
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy);
        Assert.DoesNotContain("unsafe", policy);
        var again = new HttpRequestMessage(HttpMethod.Get, "");
        again.Headers.IfNoneMatch.Add(page.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await server.Http.SendAsync(again)).StatusCode);
        foreach (var name in new[] { "nothing.js", "../openapi.json", "%2e%2e/openapi.json", "index.html/x" })
            Assert.Equal(HttpStatusCode.NotFound, (await server.Http.GetAsync("studio/" + name)).StatusCode);
        await using var without = await RunningServer.StartAsync(new ScriptedChat(), o => o.Studio = false);
        Assert.Equal(HttpStatusCode.NotFound, (await without.Http.GetAsync("")).StatusCode);
    }
}
