using D2Pruner.AI.Runtime.Checkpoints.Hub;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace D2Pruner.AI.Tests.Hub;

/// <summary>Pulls over a network that misbehaves.</summary>
public sealed class ModelHubFaultTests : HubTest
{
    private int _count;

    [Fact]
    public async Task CutConnection_IsResumedByRange()
    {
        var snapshot = await CutOnceAsync();
        Assert.Contains(Hub.Gets(Weights), r => r.Range is not null);
        Assert.Equal(snapshot.Bytes, snapshot.BytesFetched);
    }

    [Fact]
    public async Task ManyCuts_DoNotCountWhileItAdvances()
    {
        Hub.Body = async (context, name, rest) =>
        {
            if (name != Weights || rest.Length < 4096) return false;
            await context.Response.Body.WriteAsync(rest.AsMemory(0, rest.Length / 3));
            await context.Response.Body.FlushAsync();
            await Task.Delay(20);
            context.Abort();
            return true;
        };
        var options = Options();
        options.Tries = 2;
        var snapshot = await ModelHub.PullAsync(Id, options);
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(Path.Combine(snapshot.Folder, Weights)));
        Assert.True(Hub.Gets(Weights).Count(r => r.Network) > 4);
    }

    [Fact]
    public async Task Cancelled_GoesOnNextTime()
    {
        using var source = new CancellationTokenSource();
        Hub.Body = async (context, name, rest) =>
        {
            if (name != Weights) return false;
            await context.Response.Body.WriteAsync(rest.AsMemory(0, 1000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(100);
            await source.CancelAsync();
            await Task.Delay(2000, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ModelHub.PullAsync(Id, Options(), null, source.Token));
        Assert.Null(ModelHub.Find(Id, Options()));
        Assert.Contains(Blobs(), b => b.EndsWith(".incomplete", StringComparison.Ordinal));
        Hub.Body = null;
        Hub.Requests.Clear();
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(Path.Combine(snapshot.Folder, Weights)));
        Assert.Contains(Hub.Gets(Weights), r => r.Range == "bytes=1000-");
    }

    [Fact]
    public async Task ServerWithoutRanges_StartsAnew()
    {
        Hub.Ranges = false;
        Assert.True((await CutOnceAsync()) is var snapshot && snapshot.BytesFetched > snapshot.Bytes);
    }

    [Fact]
    public async Task WrongContentOnce_IsFetchedAgain()
    {
        Hub.Body = async (context, name, rest) =>
        {
            if (name != Weights || ++_count > 1) return false;
            rest[^1] ^= 1;
            await context.Response.Body.WriteAsync(rest);
            return true;
        };
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(Path.Combine(snapshot.Folder, Weights)));
    }

    [Fact]
    public async Task WrongContentTwice_IsAnError_AndNotKept()
    {
        Hub.Body = async (context, name, rest) =>
        {
            if (name != Weights) return false;
            rest[0] ^= 1;
            await context.Response.Body.WriteAsync(rest);
            return true;
        };
        var e = await FailsAsync();
        Assert.Equal(HubErrorKind.Damaged, e.Kind);
        Assert.Contains(FakeHub.Etag(Hub.Content(Weights), true), e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Blobs(), b => Path.GetFileName(b).Length == 64);
        Assert.Null(ModelHub.Find(Id, Options()));
    }

    [Fact]
    public async Task RetryAfter_IsWaitedFor()
    {
        Hub.Intercept = context =>
        {
            if (Interlocked.Increment(ref _count) > 2) return Task.FromResult(false);
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "1";
            return Task.FromResult(true);
        };
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await ModelHub.PullAsync(Id, Options());
        Assert.True(watch.Elapsed >= TimeSpan.FromSeconds(1.9), $"{watch.Elapsed}");
    }

    [Fact]
    public async Task LongRetryAfter_IsToldInsteadOfWaitedFor()
    {
        Hub.Intercept = Answer(429, null, "7200");
        var e = await FailsAsync();
        Assert.Equal(HubErrorKind.RateLimited, e.Kind);
        Assert.Contains("7200 s", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BrokenServer_IsGivenUp()
    {
        Hub.Intercept = Answer(503);
        var options = Options();
        options.Tries = 3;
        var e = await FailsAsync(options: options);
        Assert.Equal(HubErrorKind.Unreachable, e.Kind);
        Assert.Equal(3, Hub.Requests.Count);
    }

    [Fact]
    public async Task NobodyThere_SaysWhatToCheck()
    {
        var options = Options();
        options.Endpoint = "http://127.0.0.1:9";
        options.Tries = 2;
        var e = await FailsAsync(options: options);
        Assert.Equal(HubErrorKind.Unreachable, e.Kind);
        Assert.Contains("HF_ENDPOINT", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SilentServer_IsLeftAndAskedAgain()
    {
        Hub.Body = async (context, name, rest) =>
        {
            if (name != Weights || ++_count > 1) return false;
            await context.Response.Body.WriteAsync(rest.AsMemory(0, 2000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(10_000, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return true;
        };
        var options = Options();
        options.IdleTimeout = TimeSpan.FromSeconds(1);
        var snapshot = await ModelHub.PullAsync(Id, options);
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(Path.Combine(snapshot.Folder, Weights)));
        Assert.Contains(Hub.Gets(Weights), r => r.Range == "bytes=2000-");
    }

    [Theory]
    [InlineData(401, "GatedRepo", HubErrorKind.Gated, "Accept its terms at")]
    [InlineData(403, "GatedRepo", HubErrorKind.Gated, "HF_TOKEN")]
    [InlineData(401, "RepoNotFound", HubErrorKind.NotFound, "check the spelling")]
    [InlineData(401, null, HubErrorKind.NotFound, "no token was given")]
    [InlineData(404, "RepoNotFound", HubErrorKind.NotFound, "check the spelling")]
    [InlineData(404, "RevisionNotFound", HubErrorKind.RevisionNotFound, "no revision")]
    public async Task Refusals_SayWhatToDo(int status, string? code, HubErrorKind kind, string part)
    {
        Hub.Intercept = Answer(status, code);
        var e = await FailsAsync();
        Assert.Equal(kind, e.Kind);
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
        Assert.Single(Hub.Requests);
    }

    [Fact]
    public async Task RefusedToken_IsNamed()
    {
        Hub.Intercept = Answer(401);
        var e = await FailsAsync(options: Options("hf_old"));
        Assert.Equal(HubErrorKind.Unauthorized, e.Kind);
        Assert.DoesNotContain("hf_old", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingModelAndRevision_AreTold()
    {
        Assert.Equal(HubErrorKind.NotFound, (await FailsAsync("owner/other")).Kind);
        Assert.Equal(HubErrorKind.RevisionNotFound, (await FailsAsync($"{Id}@v9")).Kind);
    }

    [Fact]
    public async Task NoHub_IsTold()
    {
        Hub.Intercept = async context =>
        {
            await context.Response.WriteAsync("<html>login</html>");
            return true;
        };
        Assert.Contains("HF_ENDPOINT", (await FailsAsync()).Message, StringComparison.Ordinal);
    }

    private async Task<HubSnapshot> CutOnceAsync()
    {
        Hub.Body = async (context, name, rest) =>
        {
            if (name != Weights || ++_count > 1) return false;
            await context.Response.Body.WriteAsync(rest.AsMemory(0, rest.Length / 2));
            await context.Response.Body.FlushAsync();
            await Task.Delay(50);
            context.Abort();
            return true;
        };
        var snapshot = await ModelHub.PullAsync(Id, Options());
        Assert.Equal(Hub.Content(Weights), File.ReadAllBytes(Path.Combine(snapshot.Folder, Weights)));
        return snapshot;
    }

    private static Func<HttpContext, Task<bool>> Answer(int status, string? code = null, string? after = null) => context =>
    {
        context.Response.StatusCode = status;
        if (code is not null) context.Response.Headers["X-Error-Code"] = code;
        if (after is not null) context.Response.Headers.RetryAfter = after;
        return Task.FromResult(true);
    };
}
