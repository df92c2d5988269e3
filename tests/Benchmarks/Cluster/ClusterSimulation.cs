using System.Globalization;

namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>Simulations of placement over clusters of many sizes: figures as lines, and plots into a folder.</summary>
internal sealed class ClusterSimulation(Figures figures, SimulationSettings settings, string? plots)
{
    private static readonly int[] Sizes = [4, 16, 64, 256, 1024, 4096];
    private static readonly double[] Loads = [0.3, 0.5, 0.7, 0.8, 0.9, 1];
    private static readonly double[] Bounds = [1, 1.1, 1.25, 1.5, 2, 4];
    private static readonly double[] Demands = [0.4, 0.6, 0.8, 1, 1.2, 1.4];

    public void Run()
    {
        var sizes = Sizes.Select(n => Both($"workers={n}", Of(n))).ToList();
        var narrow = Sizes.Select(n => One($"workers={n},spread=8", Of(n) with { Spread = 8 })).ToList();
        Plot("scale-hits.png", "hit ratio against workers", "workers", Sizes.Select(s => Text(s)), 0,
            ("placed", [.. sizes.Select(s => s.Placed.HitRatio)]), ("random", [.. sizes.Select(s => s.Random.HitRatio)]));
        Plot("scale-times.png", "seconds to the answer's end", "workers", Sizes.Select(s => Text(s)), 0,
            ("placed p50", [.. sizes.Select(s => s.Placed.P50)]), ("random p50", [.. sizes.Select(s => s.Random.P50)]),
            ("placed p99", [.. sizes.Select(s => s.Placed.P99)]), ("random p99", [.. sizes.Select(s => s.Random.P99)]),
            ("p99, spread 8", [.. narrow.Select(s => s.P99)]));

        var mid = Of(64);
        var loads = Loads.Select(l => Both($"load={Text(l)}", mid with { Load = l })).ToList();
        Plot("scale-load.png", "p99 in seconds against offered load (64 workers)", "share of what hits alone allow",
            Loads.Select(l => Text(l)), 0,
            ("placed", [.. loads.Select(s => s.Placed.P99)]), ("random", [.. loads.Select(s => s.Random.P99)]));

        var demands = Demands.Select(z => Both($"zipf={Text(z)}", mid with { Zipf = z })).ToList();
        double[] Spread(int n) => [.. Demands.Select(z => One($"zipf={Text(z)},spread={n}", mid with { Zipf = z, Spread = n }).Worst)];
        Plot("scale-demand.png", "busiest worker against the average (64 workers)", "exponent of the images' demand",
            Demands.Select(z => Text(z)), 1,
            ("placed", [.. demands.Select(s => s.Placed.Worst)]), ("random", [.. demands.Select(s => s.Random.Worst)]),
            ("spread 1", Spread(1)), ("spread 2", Spread(2)), ("spread 16", Spread(16)));

        foreach (var bound in Bounds) One($"bound={Text(bound)}", mid with { LoadBound = bound, Zipf = 1, Load = 0.8 });
        foreach (var weight in (double[])[0.1, 0.5, 1, 2, 8])
            One($"queue_weight={Text(weight)}", mid with { QueueWeight = weight, Load = 0.8 });
        foreach (var interval in (double[])[0.1, 0.5, 2, 10])
            One($"interval={Text(interval)}", mid with { LoadInterval = interval, Load = 0.8 });
        foreach (var deaths in (double[])[0, 0.01, 1, 10]) One($"deaths={Text(deaths)}", mid with { DeathsPerHour = deaths });
    }

    private SimulationSettings Of(int workers) => settings with { Workers = workers };

    private (SimulationResult Placed, SimulationResult Random) Both(string name, SimulationSettings at) =>
        (One(name, at), One(name + ",random", at with { Random = true }));

    private SimulationResult One(string name, SimulationSettings at)
    {
        var result = SimulatedCluster.Run(at);
        figures.Add($"sim_hit_ratio@{name}", result.HitRatio);
        figures.Add($"sim_p50_s@{name}", result.P50);
        figures.Add($"sim_p95_s@{name}", result.P95);
        figures.Add($"sim_p99_s@{name}", result.P99);
        figures.Add($"sim_worst_share@{name}", result.Worst);
        figures.Add($"sim_refused@{name}", result.Refused);
        figures.Add($"sim_cut@{name}", result.Cut);
        figures.Add($"sim_hops@{name}", result.Hops);
        return result;
    }

    private void Plot(
        string file, string title, string below, IEnumerable<string> steps, double least, params (string Name, double[] Values)[] lines)
    {
        if (plots is null) return;
        var most = Math.Ceiling(lines.SelectMany(l => l.Values).Max());
        Directory.CreateDirectory(plots);
        File.WriteAllBytes(Path.Combine(plots, file), LinePlot.Draw(title, below, [.. steps], lines, least, most));
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
