using System.Diagnostics;
using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Quantized weights: decoding, reading a prompt beside bf16, and what a start of the tool takes.</summary>
internal sealed class QuantizedBenchmark(Figures figures, int rounds)
{
    private const int PromptRows = 640;

    public void Run()
    {
        Prefill();
        new DecodeBenchmark(figures, rounds).Run(["bf16", "int8", "int4", "int4-a8"]);
        Start();
    }

    /// <summary>One layer's products at 7B shapes over 640 rows, bf16 and quantized in turn.</summary>
    public void Prefill()
    {
        using var none = no_grad();
        var (d, f) = (DecodeGeometry.SevenB.Hidden, DecodeGeometry.SevenB.Intermediate);
        (int Outputs, int Inputs)[] shapes = [(d, d), (f, d), (d, f)];
        foreach (var precision in new[] { "int8", "int4" })
        {
            var ratios = new List<double>();
            var layers = shapes.Select(s => Pair(precision, s.Outputs, s.Inputs)).ToArray();
            for (var round = 0; round <= Math.Max(3, rounds / 4); round++)
            {
                double dense = 0, quantized = 0;
                foreach (var (a, b, x) in layers)
                {
                    dense += Seconds(() => a.Forward(x).Dispose());
                    quantized += Seconds(() => b.Forward(x).Dispose());
                }

                if (round > 0) ratios.Add(dense / quantized); // the first one warms up
            }

            figures.Add($"prefill_ratio@{precision}-{PromptRows}", ratios);
            figures.Add($"prefill_ratio@{precision}-{PromptRows}.max", ratios.Max());
            foreach (var (a, b, x) in layers)
            {
                a.Weight.Dispose();
                b.Kernel!.Dispose();
                x.Dispose();
            }
        }
    }

    private static (DenseLinear Dense, QuantizedLinear Quantized, Tensor X) Pair(string precision, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        var weight = randn(outputs, inputs).Times(0.02).to(ScalarType.BFloat16);
        var x = randn(1, PromptRows, inputs).to(ScalarType.BFloat16);
        var rule = precision == "int8" ? Runtime.Checkpoints.Quantized.QuantizationRule.Int8
            : Runtime.Checkpoints.Quantized.QuantizationRule.Int4;
        var read = Runtime.Checkpoints.Quantized.RowReader.Of(weight);
        var matrix = Runtime.Checkpoints.Quantized.Quantizer.Matrix(outputs, inputs, rule, read, default);
        return (new DenseLinear(weight.DetachFromDisposeScope(), null), new QuantizedLinear(KernelMatrix.Pack(matrix, null, []), null),
            x.DetachFromDisposeScope());
    }

    // From the process's start to the end of inspecting the shipped model; JIT or ReadyToRun, whichever the
    // tool beside this program was built for.
    private void Start()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "D2Pruner.AI.sln"))) root = root.Parent;
        var tool = root is null ? null : Path.Combine(root.FullName, "src", "Cli", "bin", "Release", "net10.0", "d2pruner.dll");
        if (tool is null || !File.Exists(tool))
        {
            figures.Say("start: the tool is not built (src/Cli), start_ms is left out");
            return;
        }

        var times = new List<double>();
        for (var i = 0; i < Math.Max(3, rounds / 3); i++)
        {
            var info = new ProcessStartInfo(
                "dotnet", [tool, "inspect",
                    Path.Combine(root!.FullName, "samples", "DemoModel", "demo-llava")]) { RedirectStandardOutput = true };
            times.Add(1000 * Seconds(() =>
            {
                using var process = Process.Start(info)!;
                process.StandardOutput.ReadToEnd();
                process.WaitForExit();
            }));
        }

        figures.Add("start_ms", times);
    }

    private static double Seconds(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }
}
