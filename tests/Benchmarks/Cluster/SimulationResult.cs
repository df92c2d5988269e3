namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>What came of a simulation.</summary>
/// <param name="HitRatio">Share of the answered requests whose image was in the worker's caches.</param>
/// <param name="P50">Median time from question to the answer's end, seconds.</param>
/// <param name="P95">95th percentile of it.</param>
/// <param name="P99">99th percentile of it.</param>
/// <param name="Worst">Answers of the busiest worker against the average.</param>
/// <param name="Refused">Share of the requests that found every place taken.</param>
/// <param name="Cut">Requests that a dying worker took along; each is begun once more elsewhere, as those whose answer had not begun
/// are.</param>
/// <param name="Hops">Workers that handed a request on, in the mean.</param>
internal readonly record struct SimulationResult(
    double HitRatio, double P50, double P95, double P99, double Worst, double Refused, int Cut, double Hops);
