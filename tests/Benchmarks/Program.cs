using D2Pruner.AI.Benchmarks;
using D2Pruner.AI.Benchmarks.Cluster;
using D2Pruner.AI.Runtime;
using TorchSharp;

TorchEnvironment.EnsureLoaded();
var figures = new Figures(Console.Out);
switch (args)
{
    case ["summary"]:
        new Summary(figures, torch.CPU).Run();
        return 0;
    case ["summary", "--device", var device]:
        new Summary(figures, torch.device(device)).Run();
        return 0;
    case ["decode"]:
        new DecodeBenchmark(figures, 9).Run(["bf16"]);
        return 0;
    case ["decode", "--rounds", var n]:
        new DecodeBenchmark(figures, int.Parse(n, System.Globalization.CultureInfo.InvariantCulture)).Run(["bf16"]);
        return 0;
    case ["quantized"]:
        new QuantizedBenchmark(figures, 9).Run();
        return 0;
    case ["quantized", "--rounds", var n]:
        new QuantizedBenchmark(figures, int.Parse(n, System.Globalization.CultureInfo.InvariantCulture)).Run();
        return 0;
    case ["decode-one", var precision, var geometry, var context, var sequences]:
        DecodeBenchmark.One(figures, precision, geometry, int.Parse(context, System.Globalization.CultureInfo.InvariantCulture),
            int.Parse(sequences, System.Globalization.CultureInfo.InvariantCulture));
        return 0;
    case ["serve", .. var part]:
        await new ServeBenchmark(figures, DemoModel()).RunAsync(part.FirstOrDefault() ?? "all");
        return 0;
    case ["server"]:
        await new ServerBenchmark(figures, DemoModel()).RunAsync();
        return 0;
    case ["cluster"]:
        await new ClusterBenchmark(figures).RunAsync();
        return 0;
    case ["cluster", "simulate"]:
        new ClusterSimulation(figures, new SimulationSettings(), null).Run();
        return 0;
    case ["cluster", "simulate", var plots]:
        new ClusterSimulation(figures, new SimulationSettings(), plots).Run();
        return 0;
    case ["cluster", "simulate", var plots, var hit, var miss]:
        new ClusterSimulation(figures, new SimulationSettings
        {
            Hit = double.Parse(hit, System.Globalization.CultureInfo.InvariantCulture),
            Miss = double.Parse(miss, System.Globalization.CultureInfo.InvariantCulture),
        }, plots).Run();
        return 0;
    case ["cluster-worker", var engine, var port, var primary]:
        await ClusterHosts.ServeAsync(
            int.Parse(port, System.Globalization.CultureInfo.InvariantCulture),
            int.Parse(primary, System.Globalization.CultureInfo.InvariantCulture),
            engine == "demo" ? DemoModel() : null);
        return 0;
    case ["load"]:
        new LoadBenchmark(figures).Run();
        return 0;
    case ["pages"]:
        await new PagesBenchmark(figures, DemoModel()).RunAsync();
        return 0;
    case ["memory"]:
        figures.Add("prefill_peak_bytes", PeakMemory.Measure() ?? double.NaN);
        figures.Add("prefill_peak_bound_bytes", PeakMemory.Bound);
        figures.Add("attention_maps_bytes", PeakMemory.AttentionMaps);
        return 0;
    default:
        Console.Error.WriteLine("""
            Usage: Benchmarks -- summary [--device cuda]   speed-ups beside their limits, decode, load (about 5 minutes, 12 GB of memory)
                   Benchmarks -- decode [--rounds 9]       the decode step in bf16 beside the memory's bound (mini and 7B shapes)
                   Benchmarks -- quantized [--rounds 9]    the same in bf16, int8 and int4 (int4-a8: activations in 8 bits), prompts beside bf16, start of the tool
                   Benchmarks -- decode-one PRECISION mini|7b CONTEXT SEQUENCES   one figure (7b: four layers), for tests/Peers/llamacpp
                   Benchmarks -- serve [decode|load|second]  many requests at once (about 10 minutes, 6 GB of memory, 5 GB of disk)
                   Benchmarks -- server                    what HTTP costs over the client beneath it (about 2 minutes)
                   Benchmarks -- cluster                   what a worker elsewhere costs, what a second one brings, who meets his image
                   Benchmarks -- cluster simulate [FOLDER [HIT MISS]]  placement in clusters of up to 4,096 workers (minutes); plots, seconds of an answer
                   Benchmarks -- load                      weights mapped and copied, beside a plain read
                   Benchmarks -- pages                     decoding with weights in pages of 4 KiB and of 2 MiB (5 GB of memory)
                   Benchmarks -- memory                    peak memory of a prefill of 2,928 visual tokens
            """);
        return args is ["--help"] or ["-h"] ? 0 : 2;
}

// The shipped model lends its tokenizer and processor to checkpoints of random weights.
static string DemoModel()
{
    for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
    {
        var demo = Path.Combine(folder.FullName, "samples", "DemoModel", "demo-llava");
        if (Directory.Exists(demo)) return demo;
    }

    throw new DirectoryNotFoundException("samples/DemoModel/demo-llava is not above the program; run the benchmarks from the repository.");
}
