using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI.Server;

/// <summary>Settings of the OpenAI-compatible server (configuration section <c>D2Pruner:Server</c>). The defaults are safe for a
/// machine that others can reach.</summary>
public sealed class D2PrunerServerOptions
{
    /// <summary>Keys that callers may present; none means that only this machine may call, unless
    /// <see cref="AllowAnonymous"/> is on.</summary>
    public IList<string> ApiKeys { get; set; } = [];

    /// <summary>A file of further keys, one a line; blank lines and lines that begin with <c>#</c> are
    /// skipped. Read once, at start.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>Whether callers from other machines need no key; default false.</summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>Whether <c>/metrics</c> asks for a key where keys are set; default false: scrapers rarely have one, and
    /// nothing of a request is in there.</summary>
    public bool RequireKeyForMetrics { get; set; }

    /// <summary>Requests a minute that each key may make; null is no limit.</summary>
    [Range(1, 1_000_000)]
    public int? RequestsPerMinutePerKey { get; set; }

    /// <summary>Largest request body in bytes; default 32 MiB.</summary>
    [Range(1024L, int.MaxValue)]
    public long MaxBodyBytes { get; set; } = 32L << 20;

    /// <summary>Images in one request; default 16.</summary>
    [Range(1, 10_000)]
    public int MaxImages { get; set; } = 16;

    /// <summary>Messages in one request; default 2048.</summary>
    [Range(1, 1_000_000)]
    public int MaxMessages { get; set; } = 2048;

    /// <summary>Requests that may be in work or waiting at once; one more is told to come again. Default 256.</summary>
    [Range(1, 100_000)]
    public int MaxConcurrentRequests { get; set; } = 256;

    /// <summary>Longest time of one request, waiting included; default 10 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00")]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Longest time that a request's body may take to arrive; default 2 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00")]
    public TimeSpan BodyTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Seconds that running answers get when the server stops; what is left is then cancelled. Default 30.</summary>
    [Range(0, 86_400)]
    public int DrainSeconds { get; set; } = 30;

    /// <summary>What <c>Retry-After</c> says where the server is busy, in seconds; default 1.</summary>
    [Range(1, 3600)]
    public int RetryAfterSeconds { get; set; } = 1;

    /// <summary>Web origins whose pages may call, such as <c>https://app.example.org</c>; <c>*</c> is any. Default none.</summary>
    public IList<string> CorsOrigins { get; set; } = [];

    /// <summary>Whether the studio page is served at <c>/</c>; default true.</summary>
    public bool Studio { get; set; } = true;
}
