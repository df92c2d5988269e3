using System.Globalization;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Peak memory of a pruned prefill of 2,928 visual tokens (LLaVA-NeXT at 672x672 with newlines) at real layer geometry.</summary>
internal static class PeakMemory
{
    public const int Layers = 2;

    /// <summary>24x24 and 48x49: the last column stands for the newlines.</summary>
    public static Geometry Geometry { get; } =
        Geometry.LlavaNext with { Name = "llavanext-newlines", Grids = [("base", 24, 24), ("mosaic", 48, 49)] };

    /// <summary>
    /// What the prefill may need beyond weights and prompt: the KV cache (fp32 on CPU), the widest layer's activations, and a margin; far
    /// from the bytes of one N x N attention map per head.
    /// </summary>
    public static long Bound
    {
        get
        {
            long n = Geometry.VisualTokens + Geometry.TextTokens, d = Geometry.Hidden, m = Geometry.Intermediate;
            var cache = Layers * 2 * n * d * 4;
            var attention = 6 * n * d * 4;
            var mlp = 4 * n * m * 2;
            var residual = 6 * n * d * 4;
            return cache + attention + mlp + residual + (64L << 20);
        }
    }

    /// <summary>Bytes of the attention maps of one layer, all heads, fp32: what must never exist.</summary>
    public static long AttentionMaps =>
        4L * Geometry.Heads * (Geometry.VisualTokens + Geometry.TextTokens) * (Geometry.VisualTokens + Geometry.TextTokens);

    /// <summary>Growth of the process's peak during one prefill, or null where the system does not tell.</summary>
    public static long? Measure()
    {
        using var model = new RandomModel(Geometry, Layers, shareLayers: true);
        var settings = new PruningSettings { LayersBeforePruning = 1, LayersAreExplicit = true, Budget = TokenBudget.OfTokens(320),
            Prior = "uniform" };
        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        var before = Read("VmRSS");
        model.Prefill(settings).Dispose();
        return Read("VmHWM") - before;
    }

    private static long Read(string key)
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(key, StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }
}
