using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace D2Pruner.AI.Server;

/// <summary>What <c>/metrics</c> shows of the process' meters, and how: the server's own, and the engine's measurements
/// beside them.</summary>
internal static class MetricViews
{
    public const string EngineMeter = "D2Pruner.AI";

    private static readonly double[] Seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50];
    private static readonly double[] Tokens = [32, 64, 128, 192, 256, 384, 576, 1024, 2048, 4096, 8192, 16384];
    private static readonly double[] Bytes = [1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30, 1L << 32, 1L << 34];

    /// <summary>The view of an instrument; null for its own.</summary>
    /// <param name="instrument">The instrument.</param>
    /// <param name="own">The factory of this server's meters: those of another server in the process have the same name.</param>
    public static MetricStreamConfiguration? Of(Instrument instrument, IMeterFactory own)
    {
        if (instrument.Meter.Name == ServerMetrics.MeterName && !ReferenceEquals(instrument.Meter.Scope, own))
            return MetricStreamConfiguration.Drop;
        if (instrument.Meter.Name != EngineMeter) return null;
        return instrument.Unit switch
        {
            // They would get the names of the server's counts.
            _ when instrument.Name is "d2pruner.requests" or "d2pruner.prefix_cache.queries" or "d2pruner.prefix_cache.hits" =>
                new MetricStreamConfiguration { Name = instrument.Name.Replace("d2pruner.", "d2pruner.engine.", StringComparison.Ordinal) },
            "s" when instrument is Histogram<double> => new ExplicitBucketHistogramConfiguration { Boundaries = Seconds },
            "{token}" when instrument is Histogram<long> => new ExplicitBucketHistogramConfiguration { Boundaries = Tokens },
            "By" when instrument is Histogram<long> => new ExplicitBucketHistogramConfiguration { Boundaries = Bytes },
            _ => null,
        };
    }
}
