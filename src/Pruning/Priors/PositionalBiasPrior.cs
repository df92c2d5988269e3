namespace D2Pruner.AI.Pruning;

/// <summary>
/// A_bias: the attention that each grid position gets whatever the image shows, averaged over calibration images, with its
/// provenance. Immutable; reading and writing files is not done here.
/// </summary>
public sealed class PositionalBiasPrior
{
    private readonly Dictionary<(int Layer, string Component), PriorMap> _maps;

    /// <summary>Creates a prior from its maps.</summary>
    /// <param name="id">What reports call this prior, e.g. its file name.</param>
    /// <param name="maps">Per (K, component name) the map of layer K-1; at least one, K at least 1.</param>
    /// <exception cref="ArgumentException">There is no map, a K is below 1, or a component has no name.</exception>
    public PositionalBiasPrior(string id, IReadOnlyDictionary<(int Layer, string Component), PriorMap> maps)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        ArgumentNullException.ThrowIfNull(maps);
        if (maps.Count == 0) throw new ArgumentException("A prior needs at least one map.", nameof(maps));
        foreach (var (layer, component) in maps.Keys)
        {
            if (layer < 1 || string.IsNullOrWhiteSpace(component))
                throw new ArgumentException(
                    $"'K{layer}.{component}' is no prior map: K is at least 1 and the component has a name.", nameof(maps));
        }
        Id = id;
        _maps = new Dictionary<(int, string), PriorMap>(maps);
        Layers = [.. maps.Keys.Select(k => k.Layer).Distinct().Order()];
    }

    /// <summary>What reports call this prior.</summary>
    public string Id { get; }

    /// <summary>Fingerprint of the model that it was calibrated with; null when unknown.</summary>
    public string? ModelFingerprint { get; init; }

    /// <summary>Hash of the chat template that it was calibrated with; null when unknown.</summary>
    public string? TemplateHash { get; init; }

    /// <summary>Number of images averaged; null when unknown.</summary>
    public int? ImageCount { get; init; }

    /// <summary>Correlation between the priors of two halves of the images, -1..1: how settled the
    /// average is; null when unknown.</summary>
    public double? SplitHalfCorrelation { get; init; }

    /// <summary>The maps by (K, component name).</summary>
    public IReadOnlyDictionary<(int Layer, string Component), PriorMap> Maps => _maps;

    /// <summary>Every K that has a map, ascending.</summary>
    public IReadOnlyList<int> Layers { get; }

    /// <summary>A_bias for K and one image: each component's map resized to its grid, flattened in layout order.</summary>
    /// <param name="layerK">K, the number of layers before the prune point.</param>
    /// <param name="layout">The image's layout.</param>
    /// <returns>[V], or null when this K has no map for any component of the layout.</returns>
    /// <exception cref="InvalidOperationException">Some of the layout's components have a map and others do not.</exception>
    public float[]? ForLayout(int layerK, VisualTokenLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var missing = layout.Components.Where(c => !_maps.ContainsKey((layerK, c.Name))).Select(c => c.Name).ToArray();
        if (missing.Length == layout.Components.Count) return null;
        if (missing.Length > 0)
            throw new InvalidOperationException(
                $"Prior '{Id}' has no map K{layerK}.{missing[0]}; it belongs to another model or is incomplete. Calibrate again or use " +
                "the uniform prior.");

        var output = new float[layout.Count];
        var offset = 0;
        foreach (var component in layout.Components)
        {
            var map = _maps[(layerK, component.Name)];
            PriorResizer.Resize(map.Values, map.Rows, map.Columns, component.Rows, component.Columns).CopyTo(output, offset);
            offset += component.Count;
        }
        return output;
    }
}
