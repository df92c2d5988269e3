namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>What a simulated cluster is and what it is asked; times in seconds.</summary>
internal sealed record SimulationSettings
{
    public int Workers { get; init; } = 16;

    /// <summary>Answers in progress at once on a worker.</summary>
    public int Slots { get; init; } = 4;

    /// <summary>Requests that may wait at a worker.</summary>
    public int Queue { get; init; } = 64;

    /// <summary>Time of an answer whose image the worker's caches hold, in a slot of its own. Measured: the demo model's time to the first
    /// token of a second question about an image, 192 of 576 tokens, exact reuse (docs/log.md).</summary>
    public double Hit { get; init; } = 0.144;

    /// <summary>Time of an answer whose image has to be read first. Measured: the same with a fresh prompt.</summary>
    public double Miss { get; init; } = 0.224;

    /// <summary>Images that a worker's caches hold: 256 MiB of LLaVA-1.5-7B's features.</summary>
    public int CachedImages { get; init; } = 56;

    /// <summary>Images that are asked about, for each worker.</summary>
    public int ImagesPerWorker { get; init; } = 40;

    /// <summary>Exponent of their demand: the n-th is asked about n^-Zipf as often as the first.</summary>
    public double Zipf { get; init; } = 0.8;

    /// <summary>Offered load as a share of what the workers can do at most (all hits).</summary>
    public double Load { get; init; } = 0.6;

    /// <summary>Demand in a burst against that between bursts; bursts take a tenth of the time.</summary>
    public double Burst { get; init; } = 2;

    /// <summary>Share of the workers that die in an hour; each is back, empty, after <see cref="Restart"/>.</summary>
    public double DeathsPerHour { get; init; } = 0.01;

    public double Restart { get; init; } = 60;

    /// <summary>Age at which placement learns a worker's load.</summary>
    public double LoadInterval { get; init; } = 0.5;

    public double LoadBound { get; init; } = 1.25;

    public double QueueWeight { get; init; } = 1;

    /// <summary>Null takes the package's default, which grows with the cluster.</summary>
    public int? Spread { get; init; }

    /// <summary>Time that a question loses at each worker that hands it on: a round trip. Measured: <c>cluster_overhead_ms@60KB</c>.</summary>
    public double Hop { get; init; } = 0.002;

    /// <summary>Requests for each worker.</summary>
    public int RequestsPerWorker { get; init; } = 1000;

    /// <summary>Places every request on a random worker instead.</summary>
    public bool Random { get; init; }

    public int Seed { get; init; } = 1;
}
