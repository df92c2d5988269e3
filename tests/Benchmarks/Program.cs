using D2Pruner.AI.Benchmarks;
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
        new Summary(figures, torch.CPU).RunDecode();
        return 0;
    case ["memory"]:
        figures.Add("prefill_peak_bytes", PeakMemory.Measure() ?? double.NaN);
        figures.Add("prefill_peak_bound_bytes", PeakMemory.Bound);
        figures.Add("attention_maps_bytes", PeakMemory.AttentionMaps);
        return 0;
    default:
        Console.Error.WriteLine("""
            Usage: Benchmarks -- summary [--device cuda]   speed-ups beside their limits, decode, load (about 5 minutes, 12 GB of memory)
                   Benchmarks -- decode                    decoding alone, with libtorch's products beside our own
                   Benchmarks -- memory                    peak memory of a prefill of 2,928 visual tokens
            """);
        return args is ["--help"] or ["-h"] ? 0 : 2;
}
