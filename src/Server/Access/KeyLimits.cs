using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>Requests a minute of each key.</summary>
internal sealed class KeyLimits : IDisposable
{
    private readonly PartitionedRateLimiter<int>? _limiter;

    public KeyLimits(IOptions<D2PrunerServerOptions> options)
    {
        if (options.Value.RequestsPerMinutePerKey is not { } limit) return;
        _limiter = PartitionedRateLimiter.Create<int, int>(
            key => RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = limit,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = TimeSpan.FromMinutes(1.0 / limit),
            QueueLimit = 0,
        }));
    }

    /// <summary>Takes one request of a key's, or says when to come again.</summary>
    public ServerError? Take(int key)
    {
        if (_limiter is null || key < 0) return null;
        using var lease = _limiter.AttemptAcquire(key);
        if (lease.IsAcquired) return null;
        var seconds = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) : 1;
        return ServerError.RateLimited($"The limit of this key is reached; try again in {seconds} second(s).", seconds);
    }

    public void Dispose() => _limiter?.Dispose();
}
