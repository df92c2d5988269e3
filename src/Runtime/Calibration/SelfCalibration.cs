using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime.Calibration;

/// <summary>Averages the attention rows that live requests compute anyway; its prior counts once enough images have been
/// seen. One engine thread uses it.</summary>
internal sealed class SelfCalibration(int images)
{
    private readonly Dictionary<int, (PriorAccumulator Sums, int Images)> _layers = [];

    /// <summary>Adds an image's attention at K, [V] in layout order.</summary>
    public void Add(int layer, VisualTokenLayout layout, float[] attention)
    {
        var (sums, seen) = _layers.TryGetValue(layer, out var known) ? known : (new PriorAccumulator(), 0);
        var at = 0;
        foreach (var component in layout.Components)
        {
            sums.Add(layer, component, attention.AsSpan(at, component.Count), seen % 2);
            at += component.Count;
        }

        _layers[layer] = (sums, seen + 1);
    }

    /// <summary>The prior for K, or null while too few images have been seen.</summary>
    public PositionalBiasPrior? Find(int layer) => _layers.TryGetValue(layer, out var known) && known.Images >= images
        ? new PositionalBiasPrior($"self-calibrated on {known.Images} images", known.Sums.Maps()) { ImageCount = known.Images }
        : null;
}
