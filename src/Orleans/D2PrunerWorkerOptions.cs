using System.ComponentModel.DataAnnotations;

namespace D2Pruner.AI.Orleans;

/// <summary>What a silo serves to its cluster (configuration section <c>D2Pruner:Worker</c>).</summary>
public sealed class D2PrunerWorkerOptions
{
    /// <summary>Names of the registered models that are served; empty, the default, serves all of them.</summary>
    public IList<string> Models { get; set; } = [];

    /// <summary>How long a stopping worker lets the answers in progress go on; default 25 s. The host's own
    /// <c>HostOptions.ShutdownTimeout</c> (30 s) should be longer.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>Bytes of encoded images kept, so that an image travels once; default 256 MiB.</summary>
    [Range(0d, 1e15)]
    public long ImageCacheBytes { get; set; } = 256L << 20;
}
