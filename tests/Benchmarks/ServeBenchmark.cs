using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Engine;
using D2Pruner.AI.Runtime.Models;
using SkiaSharp;
using TorchSharp;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Many requests at once: batched decoding, second questions about an image, callers with
/// images, sequences in a gibibyte.</summary>
internal sealed class ServeBenchmark(Figures figures, string demoModel)
{
    private const int Context = 200;
    private const int Steps = 24;

    // The mini Llama of docs/log.md: large enough that decoding is bound by memory.
    private static readonly (int, int, int, int, int) Mini = (1024, 2816, 16, 16, 32000);
    private static readonly (int, int, int, int) SmallTower = (256, 1024, 4, 4);

    // Layers of LLaVA-1.5-7B with CLIP-L's tower.
    private static readonly (int, int, int, int, int) Real = (4096, 11008, 8, 32, 2048);
    private static readonly (int, int, int, int) ClipLarge = (1024, 4096, 24, 16);

    public async Task RunAsync(string part)
    {
        Sequences();
        if (part is "all" or "decode" or "load")
        {
            using var mini = new RandomCheckpoint(demoModel, Mini, SmallTower);
            figures.Say("mini: 16 layers of 1024, ffn 2816, vocabulary 32000, bf16");
            if (part is not "load") DecodeBatches(mini.Folder);
            if (part is not "decode") await MixedLoad(mini.Folder);
        }

        if (part is "all" or "second")
        {
            using var real = new RandomCheckpoint(demoModel, Real, ClipLarge);
            figures.Say("real layers: 8 of 4096, ffn 11008; tower of 24 x 1024; 576 visual tokens");
            await SecondQuestion(real.Folder);
        }
    }

    // KV of LLaVA-1.5-7B, 16 bit: 576 visual and 60 text tokens, answers of 128.
    private void Sequences()
    {
        const double token = 2.0 * 2 * 32 * 4096;
        figures.Add("sequences_in_1GiB_kv@unpruned", Math.Floor((1L << 30) / (token * (576 + 60 + 128))));
        figures.Add("sequences_in_1GiB_kv@64", Math.Floor((1L << 30) / (token * (64 + 60 + 128))));
    }

    private void DecodeBatches(string folder)
    {
        var options = new VisionModelOptions { ModelPath = folder, Device = "cpu", PrefixCacheBytes = 0 };
        using var executor = new ModelExecutor(ModelLoader.LoadModel(options), options);
        var sizes = new[] { 1, 2, 4, 8, 16 };
        var times = sizes.ToDictionary(b => b, _ => new List<double>());
        // Alternately, so that whatever disturbs the machine disturbs all sizes.
        for (var round = 0; round < 3; round++)
        {
            figures.Say($"decode: round {round + 1} of 3");
            foreach (var b in sizes)
            {
                var sequences = Enumerable.Range(0, b).Select(_ => Read(executor)).ToArray();
                for (var step = 0; step < Steps; step++)
                {
                    foreach (var s in sequences) s.Accept();
                    var watch = Stopwatch.StartNew();
                    executor.Decode(sequences);
                    if (step > 3) times[b].Add(b / watch.Elapsed.TotalSeconds);
                }

                foreach (var s in sequences) s.Dispose();
            }
        }

        foreach (var b in sizes) figures.Add($"decode_batch_tokens_per_s@{b}", times[b]);
        foreach (var b in sizes) figures.Add($"decode_batch_gain@{b}", Figures.Median(times[b]) / Figures.Median(times[1]));
    }

    private static Sequence Read(ModelExecutor executor)
    {
        var text = string.Concat(Enumerable.Repeat("red circle ", Context / 2));
        var prepared = executor.Prepare(
            new VisionRequest { Turns = [new ChatTurn("user", [new TextPart(text)])], Generation = Endless(Steps + 1) }, default);
        var sequence = new Sequence(
            prepared with { Generation = prepared.Generation with { StopIds = new HashSet<int>() } }, default, default);
        executor.Prefill(sequence, () => { }, []);
        return sequence;
    }

    internal static GenerationSettings Endless(int tokens) => new() { MaxNewTokens = tokens, IgnoreModelDefaults = true };

    private async Task SecondQuestion(string folder)
    {
        async Task<double> Ratio(PruningSettings? pruning, PrefixReuse reuse, bool caches)
        {
            var ratios = new List<double>();
            await using var engine = await VisionLanguageEngine.LoadAsync(new VisionModelOptions
            {
                ModelPath = folder, Device = "cpu", PrefixCacheBytes = caches ? 1L << 30 : 0, VisionCacheBytes = caches ? 256L << 20 : 0,
            });
            await FirstToken(engine, Image(99), ["Warm?"], pruning, reuse);
            for (var i = 0; i < 3; i++)
            {
                var image = Image(i);
                var (first, answer) = await FirstToken(engine, image, ["What is in this picture, and where?"], pruning, reuse);
                string[] turns = reuse == PrefixReuse.Frozen
                    ? ["What is in this picture, and where?", answer, "How many red things do you see?"]
                    : ["How many red things do you see?"];
                ratios.Add((await FirstToken(engine, image, turns, pruning, reuse)).Seconds / first);
            }

            return Figures.Median(ratios);
        }

        figures.Add("second_question_ttft_ratio@exact-unpruned", await Ratio(null, PrefixReuse.Exact, true));
        foreach (var (k, n) in new[] { (5, 64), (2, 64), (2, 192), (5, 192) })
        {
            var pruning = new PruningSettings { LayersBeforePruning = k, LayersAreExplicit = true, Budget = TokenBudget.OfTokens(n),
                Prior = "uniform" };
            figures.Say($"second question: K = {k}, n = {n}");
            foreach (var (name, reuse, caches) in new[] { ("exact", PrefixReuse.Exact, true), ("frozen", PrefixReuse.Frozen, true),
                ("off", PrefixReuse.Off, false) })
            {
                var ratio = await Ratio(pruning, reuse, caches);
                figures.Add($"second_question_ttft_ratio@{name}-K{k}-n{n}", ratio);
                // The key without a suffix: K = 5, n = 64 for exact, K = 2, n = 64 for the others.
                if (n == 64 && k == (name == "exact" ? 5 : 2)) figures.Add($"second_question_ttft_ratio@{name}", ratio);
            }
        }
    }

    private static async Task<(double Seconds, string Answer)> FirstToken(
        VisionLanguageEngine engine, byte[] image, string[] turns, PruningSettings? pruning, PrefixReuse reuse)
    {
        var request = new VisionRequest
        {
            Turns = [.. turns.Select(
                (t, i) => new ChatTurn(i % 2 == 0 ? "user" : "assistant", i == 0 ? [new ImagePart(image), new TextPart(t)]
                    : [new TextPart(t)]))],
            Generation = Endless(4),
            Pruning = pruning,
            PrefixReuse = reuse,
        };
        var watch = Stopwatch.StartNew();
        double first = 0;
        var answer = "";
        await foreach (var e in engine.GenerateAsync(request))
        {
            if (e is PrefillCompleted) first = watch.Elapsed.TotalSeconds;
            if (e is GenerationCompleted c) answer = c.Result.Text;
        }

        return (first, answer);
    }

    private async Task MixedLoad(string folder)
    {
        foreach (var callers in new[] { 1, 4, 16 })
        {
            foreach (var sequences in new[] { 1, 16 })
            {
                var name = $"mixed_load@{callers}" + (sequences == 1 ? ".one_at_a_time" : "");
                figures.Say($"{callers} callers, MaxSequences = {sequences}");
                await using var engine = await VisionLanguageEngine.LoadAsync(
                    new VisionModelOptions { ModelPath = folder, Device = "cpu", MaxSequences = sequences });
                await engine.WarmUpAsync();
                var load = new Load();
                var watch = Stopwatch.StartNew();
                await Task.WhenAll(Enumerable.Range(0, callers)
                    .Select(c => Task.Run(() => load.CallAsync(engine, c, Math.Max(2, 16 / callers)))));
                var seconds = watch.Elapsed.TotalSeconds;
                figures.Add($"{name}.requests_per_s", load.First.Count / seconds);
                figures.Add($"{name}.tokens_per_s", (load.Gaps.Count + load.First.Count) / seconds);
                figures.Add($"{name}.ttft_p50_ms", Quantile(load.First, 0.5));
                figures.Add($"{name}.ttft_p95_ms", Quantile(load.First, 0.95));
                figures.Add($"{name}.gap_p50_ms", Quantile(load.Gaps, 0.5));
                figures.Add($"{name}.gap_p95_ms", Quantile(load.Gaps, 0.95));
            }
        }
    }

    private static double Quantile(IEnumerable<double> values, double q)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(q * sorted.Length))];
    }

    private static byte[] Image(int seed)
    {
        using var bitmap = new SKBitmap(448, 336);
        using (var canvas = new SKCanvas(bitmap))
        {
            var random = new Random(seed);
            canvas.Clear(new SKColor((uint)random.Next() | 0xFF000000));
            for (var i = 0; i < 12; i++)
            {
                using var paint = new SKPaint { Color = new SKColor((uint)random.Next() | 0xFF000000) };
                canvas.DrawCircle(random.Next(448), random.Next(336), random.Next(10, 80), paint);
            }
        }

        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    /// <summary>Callers who ask, read and ask again.</summary>
    private sealed class Load
    {
        private readonly Lock _gate = new();

        public List<double> First { get; } = [];

        public List<double> Gaps { get; } = [];

        public async Task CallAsync(VisionLanguageEngine engine, int caller, int requests)
        {
            for (var r = 0; r < requests; r++)
            {
                var request = new VisionRequest
                {
                    Turns = [new ChatTurn("user", [new ImagePart(Image(1000 * caller + r)), new TextPart("What is this?")])],
                    Generation = Endless(32),
                    Pruning = new PruningSettings { Budget = TokenBudget.OfTokens(64), Prior = "uniform" },
                };
                var watch = Stopwatch.StartNew();
                double last = 0;
                await foreach (var e in engine.GenerateAsync(request))
                {
                    // A token may hold no text of its own; the time of each piece is what a reader sees.
                    if (e is not (PrefillCompleted or TextDelta)) continue;
                    var now = watch.Elapsed.TotalMilliseconds;
                    lock (_gate) (last > 0 ? Gaps : First).Add(now - last);
                    last = now;
                }
            }
        }
    }
}
