using System.Diagnostics;
using D2Pruner.AI.Runtime.Kernels;

namespace D2Pruner.AI.Benchmarks;

/// <summary>The decode step beside what the memory allows: tokens a second by precision, geometry and context,
/// and the bound of the same run.</summary>
internal sealed class DecodeBenchmark(Figures figures, int rounds)
{
    private static readonly int[] Contexts = [128, 640, 2950];
    private static readonly int[] Batches = [1, 2, 4, 8, 16];

    /// <summary>Measures some precisions; rounds alternate over contexts, with the read rate of the same pages in each.</summary>
    public void Run(IReadOnlyList<string> precisions)
    {
        var threads = Environment.ProcessorCount;
        figures.Add("decode_threads", threads);
        figures.Say($"KV in bf16; medians over {rounds} rounds; the head of int8 and int4 has 8 bits; 7b goes round " +
            $"{DecodeGeometry.SevenB.Distinct} layers of weights");
        using var team = new WorkerTeam(threads);
        foreach (var geometry in new[] { DecodeGeometry.Mini, DecodeGeometry.SevenB })
        {
            foreach (var precision in precisions) Measure(geometry, precision, team);
        }
    }

    /// <summary>One figure for a comparison with another engine: 24 steps after 3, tokens a second of all sequences together.</summary>
    public static void One(Figures figures, string precision, string geometry, int context, int sequences)
    {
        var g = geometry == "mini" ? DecodeGeometry.Mini : DecodeGeometry.SevenB with { Layers = DecodeGeometry.SevenB.Distinct };
        using var team = new WorkerTeam(Environment.ProcessorCount);
        using var model = new DecodeModel(g, precision, team);
        var rows = model.Rows(sequences, context);
        for (var i = 0; i < 3; i++) model.Step(rows);
        const int Steps = 24;
        var before = Process.GetCurrentProcess().TotalProcessorTime;
        figures.Add("tokens_per_s", Steps * sequences / Seconds(() =>
        {
            for (var i = 0; i < Steps; i++) model.Step(rows);
        }));
        // With one thread (DOTNET_PROCESSOR_COUNT=1) this tells the kernels' own time on a crowded machine.
        figures.Add("cpu_ms_per_step", (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / Steps);
    }

    private void Measure(DecodeGeometry geometry, string precision, WorkerTeam team)
    {
        figures.Say($"{precision}-{geometry.Name}: making weights");
        using var model = new DecodeModel(geometry, precision, team);
        var read = new ReadRate(team);
        var rows = Contexts.ToDictionary(c => c, c => model.Rows(1, c));
        var speeds = Contexts.ToDictionary(c => c, _ => new List<double>());
        var shares = Contexts.ToDictionary(c => c, _ => new List<double>());
        double best = 0;
        foreach (var c in Contexts) model.Step(rows[c]); // first touch
        var before = read.Measure(model.LayerMatrices);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var c in Contexts)
            {
                var speed = 1 / Seconds(() => model.Step(rows[c]));
                var after = read.Measure(model.LayerMatrices);
                best = Math.Max(best, Math.Max(before, after));
                speeds[c].Add(speed);
                shares[c].Add(speed * model.StepBytes(c) / ((before + after) / 2));
                before = after;
            }
        }

        foreach (var c in Contexts)
        {
            var name = $"{precision}-{geometry.Name}-{c}";
            figures.Add($"decode_tokens_per_s@{name}", speeds[c]);
            figures.Add($"decode_tokens_per_s@{name}.max", speeds[c].Max());
            figures.Add($"decode_bound_tokens_per_s@{name}", best / model.StepBytes(c));
            // On a machine whose memory is shared, its best moment says little: each step against the reads around it.
            figures.Add($"decode_share_of_reads@{name}", shares[c]);
        }

        figures.Add($"read_gb_per_s@{precision}-{geometry.Name}", best / 1e9);
        figures.Add($"weights_bytes@{precision}-{geometry.Name}", model.WeightBytes);
        if (geometry == DecodeGeometry.Mini) Batched(model, precision);
    }

    private void Batched(DecodeModel model, string precision)
    {
        var all = model.Rows(DecodeModel.MaxRows, 200);
        var times = Batches.ToDictionary(b => b, _ => new List<double>());
        for (var round = 0; round < Math.Max(3, rounds / 3); round++)
        {
            foreach (var b in Batches)
            {
                var rows = all[..b];
                times[b].Add(b / Seconds(() => model.Step(rows)));
            }
        }

        foreach (var b in Batches) figures.Add($"decode_rows_tokens_per_s@{precision}-mini-{b}", times[b]);
    }

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
