using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Benchmarks;

/// <summary>The layer geometry of a real model, cut to a few layers, with the picture's grids.</summary>
/// <param name="Name">Short name in figures.</param>
/// <param name="Hidden">d.</param>
/// <param name="Intermediate">m.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">KV heads.</param>
/// <param name="Bias">Biases on q, k and v.</param>
/// <param name="Grids">Components of the picture: name, rows, columns.</param>
internal sealed record Geometry(
    string Name, int Hidden, int Intermediate, int Heads, int KvHeads, bool Bias, IReadOnlyList<(string Name, int Rows, int Columns)> Grids)
{
    public const int TextTokens = 60;
    public const int RealLayers = 32;

    public static Geometry Llava { get; } = new("llava", 4096, 11008, 32, 32, false, [("grid", 24, 24)]);

    public static Geometry LlavaNext { get; } = new("llavanext", 4096, 11008, 32, 32, false, [("base", 24, 24), ("mosaic", 48, 48)]);

    public static Geometry Qwen { get; } = new("qwen2.5vl", 3584, 18944, 28, 4, true, [("grid", 32, 40)]);

    public int VisualTokens => Grids.Sum(g => g.Rows * g.Columns);

    /// <summary>A vocabulary this small makes embedding and head free of cost.</summary>
    public DecoderConfig Config(int layers) => new()
    {
        HiddenSize = Hidden,
        IntermediateSize = Intermediate,
        Layers = layers,
        Heads = Heads,
        KvHeads = KvHeads,
        HeadDim = Hidden / Heads,
        VocabularySize = 64,
        RmsNormEps = 1e-5,
        RopeTheta = 10000,
        MaxPositions = 1 << 16,
        QkvBias = Bias,
    };

    /// <summary>Bytes of the weights that one decoded token reads, 16 bit.</summary>
    public long LayerBytes => 2 * (2L * Hidden * Hidden + 2L * Hidden * KvHeads * (Hidden / Heads) + 3L * Hidden * Intermediate);

    /// <summary>Floating-point operations of one layer over n tokens, a multiply-add counting two, the
    /// attention's n² term halved by causality.</summary>
    public double LayerOperations(double n)
    {
        double d = Hidden, m = Intermediate, g = (double)KvHeads / Heads;
        return 2 * ((2 + 2 * g) * n * d * d + n * n * d + 3 * n * d * m);
    }

    /// <summary>Highest possible speed-up of a prefill of <paramref name="layers"/> layers that keeps <paramref name="kept"/>
    /// visual tokens from layer K on.</summary>
    public double Limit(int k, int layers, int kept) =>
        layers * LayerOperations(VisualTokens + TextTokens)
            / (k * LayerOperations(VisualTokens + TextTokens) + (layers - k) * LayerOperations(kept + TextTokens));

    public VisualTokenLayout Layout(int start)
    {
        var components = new List<GridComponent>();
        foreach (var (name, rows, columns) in Grids)
        {
            components.Add(new GridComponent(name, rows, columns, [.. Enumerable.Range(start, rows * columns)]));
            start += rows * columns;
        }

        return new VisualTokenLayout(components);
    }
}
