using System.Globalization;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;

namespace D2Pruner.AI.Evaluation.Tuning;

/// <summary>
/// Looks at a user's own model and images: how dense the similarity graph is at each K, how soon the independent set runs dry, how strong
/// the positional bias is. It suggests K, theta and a rule from that structure; it measures no answers (`d2pruner evaluate` does).
/// </summary>
public static class ModelTuning
{
    // Above this share of filled tokens the paper's rule is attention with a few exceptions.
    private const double DryFill = 0.5;
    // Below this share of explained variance dividing by a prior changes next to nothing.
    private const double WeakPrior = 0.05;

    /// <summary>Measures and suggests.</summary>
    /// <param name="options">What to look at.</param>
    /// <param name="progress">Gets the number of images done.</param>
    /// <param name="cancellationToken">Observed between layers.</param>
    /// <exception cref="ArgumentException">No image can be read, or a K is outside the model.</exception>
    public static TuningReport Run(TuningOptions options, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var model = ModelLoader.LoadModel(options.Model, cancellationToken: cancellationToken);
        foreach (var k in options.Layers.Where(k => k < 1 || k >= model.Info.DecoderLayers))
            throw new ArgumentException(
                $"K = {k} is outside 1..{model.Info.DecoderLayers - 1} of the model '{model.Info.Id}'.", nameof(options));
        var layers = options.Layers.Distinct().Order().Select(k => new LayerSums(k, options)).ToArray();
        var (read, skipped) = (0, new List<string>());
        foreach (var path in options.Images)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                Look(model, options, path, layers, cancellationToken);
                read++;
            }
            catch (Exception e) when (e is ImageDecodeException or IOException or UnauthorizedAccessException)
            {
                skipped.Add($"{path}: {e.Message}");
            }

            progress?.Report(read + skipped.Count);
        }

        if (read == 0)
            throw new ArgumentException($"None of {options.Images.Count} images can be read. {skipped.FirstOrDefault()}", nameof(options));
        return Suggest(model.Info.Id, read, skipped, [.. layers.Select(l => l.Finish(model.Prior))], options);
    }

    private static void Look(
        VisionLanguageModel model, TuningOptions options, string path, LayerSums[] layers, CancellationToken cancellationToken)
    {
        using var inference = torch.inference_mode();
        var bytes = RegularFile.ReadAllBytes(path, ImageLimits.Default.MaxBytes);
        var image = model.ImageProcessor.Process(ImageDecoder.Decode(bytes, null, cancellationToken), cancellationToken);
        var vision = model.Vision.Encode(image, false, cancellationToken.ThrowIfCancellationRequested);
        try
        {
            var prompt = model.PromptEncoder.Encode([new ChatTurn("user", [new ImagePart(bytes), new TextPart(options.Prompt)])], [image]);
            using var forward = new SharedForward(model, prompt, [vision], cancellationToken);
            foreach (var layer in layers)
            {
                using var hidden = forward.HiddenStates(layer.Layer, 0);
                layer.Add(prompt.Layouts[0], forward.AttentionRow(layer.Layer, 0), hidden, model.Prior);
            }
        }
        finally
        {
            vision.Features.Dispose();
        }
    }

    private static TuningReport Suggest(string model, int read, List<string> skipped, LayerFinding[] layers, TuningOptions options)
    {
        var reasons = new List<string>();
        string Percent(double v) => (100 * v).ToString("0", CultureInfo.InvariantCulture) + "%";
        var wet = layers.FirstOrDefault(l => l.Fill.Max() <= DryFill);
        var (method, k) = wet is not null ? ("d2pruner", wet.Layer) : (MethodSettings.Ladder, layers[0].Layer);
        reasons.Add(wet is not null
            ? $"K = {k} is the least depth at which the independent set gives at least half of what stands behind the pivots (filled by " +
            $"attention: {Percent(wet.Fill.Max())} at the worst budget)."
            : $"At every K the independent set runs dry (filled by attention: {Percent(layers.Min(l => l.Fill.Max()))} or more; " +
            $"{Percent(layers[0].EdgeDensity)} of pairs are edges at K = {k}), so theta rises step by step (the ladder), and the least " +
            "depth is the cheapest.");
        var at = layers.First(l => l.Layer == k);
        var uniform = at.PriorStrength < WeakPrior;
        var halves = double.IsNaN(at.SplitHalf) ? ""
            : string.Create(CultureInfo.InvariantCulture, $" (halves correlate with {at.SplitHalf:0.000})");
        reasons.Add(double.IsNaN(at.PriorStrength) ? "Too few images of one size to judge the positional bias; calibrate with more."
            : uniform ? $"The mean map explains {Percent(at.PriorStrength)} of the attention's variance at K = {k}: dividing by it " +
            "changes next to nothing."
            : $"The mean map explains {Percent(at.PriorStrength)} of the attention's variance at K = {k}{halves}: calibrate a prior.");
        if (read < 50) reasons.Add($"{read} images are few; some hundreds give steadier figures.");
        reasons.Add("This is structure, not accuracy: check the suggestion with 'd2pruner evaluate' on questions of your own kind.");
        return new TuningReport(model, read, skipped, layers, method, k, options.Theta, uniform, reasons);
    }

    // Sums over the images at one K.
    private sealed class LayerSums(int layer, TuningOptions options)
    {
        private readonly Dictionary<string, List<float[]>> _rows = [];
        private readonly Dictionary<string, VisualTokenLayout> _layouts = [];
        private readonly double[] _fill = new double[options.Ratios.Count];
        private double _density;
        private int _count;

        public int Layer => layer;

        public void Add(VisualTokenLayout layout, float[] attention, torch.Tensor hidden, PositionalBiasPrior? prior)
        {
            var settings = PruningSettings.FromPreset(
                PruningPreset.Understanding) with { LayersBeforePruning = layer, LayersAreExplicit = true, Theta = options.Theta };
            var pairs = layout.Count * (layout.Count - 1) / 2.0;
            for (var r = 0; r < options.Ratios.Count; r++)
            {
                var n = Math.Clamp((int)(options.Ratios[r] * layout.Count), 1, layout.Count - 1);
                var context = new PruningContext { Layout = layout, Budget = n, Attention = attention,
                    Prior = prior?.ForLayout(layer, layout), HiddenStates = hidden };
                var statistics = new D2TokenPruner(settings with { Budget = TokenBudget.OfTokens(n) }).Reduce(context).Statistics;
                _fill[r] += n > statistics.Pivots ? (double)statistics.Fill / (n - statistics.Pivots) : 0;
                if (r == 0) _density += statistics.Edges / Math.Max(1, pairs);
            }

            var key = string.Join('+', layout.Components.Select(c => $"{c.Rows}x{c.Columns}"));
            _layouts[key] = layout;
            if (!_rows.TryGetValue(key, out var rows)) _rows[key] = rows = [];
            rows.Add(attention);
            _count++;
        }

        public LayerFinding Finish(PositionalBiasPrior? prior)
        {
            var (key, rows) = _rows.MaxBy(r => r.Value.Count);
            var grid = _layouts[key].Components[0];
            var mean = Mean(rows);
            // Of the variance within images (each around its own mean), the part that is the same in all.
            var all = rows.Average(r => Variance(r, null));
            var left = rows.Average(r => Variance(r, mean));
            var halves = rows.Count < 4 ? double.NaN
                : Correlation(Mean([.. rows.Where((_, i) => i % 2 == 0)]), Mean([.. rows.Where((_, i) => i % 2 == 1)]));
            return new LayerFinding(layer, _density / _count, [.. _fill.Select(f => f / _count)], rows.Count < 2 || all <= 0 ? double.NaN
                : Math.Clamp(1 - left / all, 0, 1), halves, mean[..grid.Count], grid.Rows, grid.Columns,
                prior?.ForLayout(layer, _layouts[key])?[..grid.Count]);
        }

        private static float[] Mean(List<float[]> rows)
        {
            var mean = new float[rows[0].Length];
            foreach (var row in rows)
            {
                for (var i = 0; i < mean.Length; i++) mean[i] += row[i] / rows.Count;
            }

            return mean;
        }

        private static double Variance(float[] row, float[]? map)
        {
            double[] rest = [.. row.Select((v, i) => (double)v - (map is null ? 0 : map[i]))];
            var mean = rest.Average();
            return rest.Average(v => (v - mean) * (v - mean));
        }

        private static double Correlation(float[] a, float[] b)
        {
            double ma = a.Average(), mb = b.Average();
            double ab = 0, aa = 0, bb = 0;
            for (var i = 0; i < a.Length; i++)
            {
                ab += (a[i] - ma) * (b[i] - mb);
                aa += (a[i] - ma) * (a[i] - ma);
                bb += (b[i] - mb) * (b[i] - mb);
            }

            return aa * bb > 0 ? ab / Math.Sqrt(aa * bb) : double.NaN;
        }
    }
}
