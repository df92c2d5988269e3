using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Decoder;
using TorchSharp;

namespace D2Pruner.AI.Benchmarks;

/// <summary>The figures of <c>summary</c>: speed-up beside its limit, share of pruning, decode beside the memory's bound, load.</summary>
internal sealed class Summary(Figures figures, torch.Device device)
{
    public const int Layers = 8;
    private const int DecodeSteps = 24;

    /// <summary>Geometry, kept visual tokens, K, repetitions.</summary>
    public static IReadOnlyList<(Geometry Geometry, (int Kept, int K)[] Cases, int Rounds)> Plan { get; } =
    [
        (Geometry.Llava, [(192, 2), (128, 2), (64, 2), (192, 5), (128, 5), (64, 5)], 3),
        (Geometry.Qwen, [(128, 2)], 3),
        (Geometry.LlavaNext, [(320, 2)], 2),
    ];

    public static string Name(Geometry g, int kept, int k) => $"{g.Name}-{g.VisualTokens}-{kept}-K{k}";

    public void Run()
    {
        figures.Add("threads", torch.get_num_threads());
        foreach (var (geometry, cases, rounds) in Plan)
        {
            figures.Say($"{geometry.Name}: making {Layers} layers of random bf16 weights ({Layers * geometry.LayerBytes / 1e9:0.0} GB)");
            using var model = new RandomModel(geometry, Layers, device);
            Prefills(model, cases, rounds);
            if (geometry == Geometry.Llava) Decode(model);
        }

        new LoadBenchmark(figures).Run();
        figures.Say("done");
    }

    private void Prefills(RandomModel model, (int Kept, int K)[] cases, int rounds)
    {
        var plain = new List<double>();
        var pruned = cases.ToDictionary(c => c, _ => new List<double>());
        var prune = cases.ToDictionary(c => c, _ => new List<double>());
        model.Prefill(Settings(cases[0])).Dispose(); // warms up
        // Cases and the unpruned run alternate: what disturbs the machine disturbs all of them.
        for (var round = 0; round < rounds; round++)
        {
            figures.Say($"{model.Geometry.Name}: prefill round {round + 1} of {rounds}");
            plain.Add(Time(() => model.Prefill(null).Dispose()));
            foreach (var c in cases)
            {
                double own = 0;
                pruned[c].Add(Time(() =>
                {
                    var timer = new PrefillTimer(model.Decoder.Device);
                    using var output = model.Prefill(Settings(c), timer);
                    own = timer.PruneTime.TotalMilliseconds;
                }));
                prune[c].Add(own);
            }
        }

        figures.Add($"prefill_unpruned_ms@{model.Geometry.Name}-{model.Geometry.VisualTokens}", plain);
        foreach (var c in cases)
        {
            var name = Name(model.Geometry, c.Kept, c.K);
            figures.Add($"prefill_speedup@{name}", [.. plain.Zip(pruned[c], (a, b) => a / b)]);
            figures.Add($"prefill_speedup_limit@{name}", model.Geometry.Limit(c.K, Layers, c.Kept));
            figures.Add($"prune_share@{name}", [.. prune[c].Zip(plain, (p, a) => p / (a * Geometry.RealLayers / Layers))]);
            figures.Add($"prefill_ms@{name}", pruned[c]);
        }
    }

    private void Decode(RandomModel model)
    {
        figures.Say($"{model.Geometry.Name}: decoding");
        var (steps, bounds) = (new List<double>(), new List<double>());
        using var inference = torch.inference_mode();
        using var prefill = model.Prefill(Settings((128, 2)));
        var logits = new float[model.Decoder.Config.VocabularySize];
        var position = model.Prompt.NextPosition;
        model.Decoder.Step(prefill.Cache, 1, position++, logits);
        double bytes = Layers * model.Geometry.LayerBytes;
        for (var i = 0; i < DecodeSteps; i++)
        {
            if (i % 3 == 0) bounds.Add(Bandwidth.Measure(model.Decoder.Weights) / bytes);
            steps.Add(1 / (Time(() => model.Decoder.Step(prefill.Cache, 1, position++, logits)) / 1000));
        }

        figures.Add("decode_tokens_per_s@llava", steps);
        figures.Add("decode_bound_tokens_per_s@llava", bounds);
    }

    private static PruningSettings Settings((int Kept, int K) c) =>
        new() { LayersBeforePruning = c.K, LayersAreExplicit = true, Budget = TokenBudget.OfTokens(c.Kept), Prior = "uniform" };

    private static double Time(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalMilliseconds;
    }
}
