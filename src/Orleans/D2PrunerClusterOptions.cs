using System.ComponentModel.DataAnnotations;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans;

/// <summary>
/// How requests find their worker (configuration section <c>D2Pruner:Cluster</c>). Every silo and client of a cluster should have the
/// same.
/// </summary>
public sealed class D2PrunerClusterOptions
{
    /// <summary>
    /// What a full batch of waiting and running answers costs a worker, where an image that is in its caches already is worth 1. At 1, the
    /// default, an image stays where it is cached as long as that worker has less than one batch more to do than another.
    /// </summary>
    [Range(0d, 1000d)]
    public double QueueWeight { get; set; } = 1;

    /// <summary>What keys and values at their limit cost a worker, on the same scale; default 0.5.</summary>
    [Range(0d, 1000d)]
    public double KvWeight { get; set; } = 0.5;

    /// <summary>
    /// An image's worker hands questions on to another one when it would have more than this many times the average load, and more than
    /// one batch. At least 1; default 1.25.
    /// </summary>
    [Range(1d, 1000d)]
    public double LoadBound { get; set; } = 1.25;

    /// <summary>Workers that questions about one image are spread over, one after another, when it is in great demand; 1 never spreads.
    /// Null, the default, is 8, or an eighth of the workers that serve the model where that is more, at most
    /// 128.</summary>
    [Range(1, 100_000)]
    public int? Spread { get; set; }

    /// <summary>How often workers tell their load; default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan LoadInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>What happens to a request that finds every worker of its model full.</summary>
    [EnumDataType(typeof(QueueFullMode))]
    public QueueFullMode QueueFullMode { get; set; } = QueueFullMode.Reject;

    /// <summary>How long a request waits for a place under <see cref="QueueFullMode.Wait"/>; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a request looks for a worker that takes it, while none serves its model or can be reached; default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan FailoverTimeout { get; set; } = TimeSpan.FromSeconds(30);
}
