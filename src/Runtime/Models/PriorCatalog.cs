using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>
/// The positional priors of a loaded model by name: the one beside it, and those that the operator registered
/// (<see cref="VisionModelOptions.Priors"/>). All are read and checked while the model is loaded. A request names one; it never names a
/// file. Immutable; safe for concurrent use.
/// </summary>
internal sealed class PriorCatalog
{
    /// <summary>The name that stands for no prior: attention is not debiased, and that is meant.</summary>
    public const string Uniform = "uniform";

    private readonly Dictionary<string, PositionalBiasPrior> _named = new(StringComparer.OrdinalIgnoreCase);
    private readonly VisionModelInfo _model;
    private readonly ModelQuantization _quantization;

    private PriorCatalog(VisionModelInfo model, PositionalBiasPrior? beside, ModelQuantization quantization) =>
        (_model, Beside, _quantization) = (model, beside, quantization);

    /// <summary>The prior that lies beside the model; null where there is none.</summary>
    public PositionalBiasPrior? Beside { get; }

    /// <summary>Names that requests may give, <see cref="Uniform"/> among them.</summary>
    public IReadOnlyCollection<string> Names => [Uniform, .. _named.Keys];

    /// <summary>What <c>d2pruner calibrate</c> needs besides, so that a prior is made for how the model is rounded at load.</summary>
    internal static string PrecisionFlag(ModelQuantization quantization) =>
        quantization == ModelQuantization.None ? "" : $" --quantization {quantization}";

    /// <summary>Reads and checks the registered priors.</summary>
    /// <param name="registered">Files by name; relative ones lie in the model's folder.</param>
    /// <param name="model">The model.</param>
    /// <param name="beside">The prior beside the model, checked already; null for none.</param>
    /// <param name="quantization">How the model was rounded at load.</param>
    /// <exception cref="PriorMismatchException">One was made for another model or template.</exception>
    /// <exception cref="SafetensorsException">One is missing or damaged.</exception>
    internal static PriorCatalog Load(
        IEnumerable<KeyValuePair<string, string>> registered, VisionModelInfo model, PositionalBiasPrior? beside,
        ModelQuantization quantization = ModelQuantization.None)
    {
        var catalog = new PriorCatalog(model, beside, quantization);
        foreach (var (name, file) in registered)
        {
            var path = Path.Combine(model.Folder, file);
            var prior = PriorFile.Load(path);
            PriorMismatchException.Check(prior, path, model, null, quantization);
            catalog._named[name] = prior;
        }

        return catalog;
    }

    /// <summary>The prior that a request means.</summary>
    /// <param name="name">A registered name, <see cref="Uniform"/>, or null for the one beside the model.</param>
    /// <param name="layersBeforePruning">K. A registered prior must hold it; the one beside the model need not.</param>
    /// <returns>The prior, or null where attention is not to be debiased.</returns>
    /// <exception cref="ArgumentException">No prior of this name is registered.</exception>
    /// <exception cref="PriorMismatchException">The registered prior has no map for K.</exception>
    public PositionalBiasPrior? Find(string? name, int layersBeforePruning)
    {
        if (name is null) return Beside;
        if (string.Equals(name, Uniform, StringComparison.OrdinalIgnoreCase)) return null;
        if (!_named.TryGetValue(name, out var prior))
        {
            // Nothing of the file system is looked at: what is not registered does not exist here.
            throw new ArgumentException(
                $"No prior '{(name.Length > 60 ? name[..60] + "..." : name)}' is registered with the model '{_model.Id}'; a request may " +
                    $"name {string.Join(", ", Names)}. Files are registered by the operator: VisionModelOptions.Priors, name to path.",
                nameof(name));
        }

        PriorMismatchException.Check(prior, name, _model, layersBeforePruning, _quantization);
        return prior;
    }

    /// <summary>Checks names without opening a file.</summary>
    /// <exception cref="ArgumentException">A name or path is empty, or a name is reserved.</exception>
    internal static void CheckNames(IEnumerable<KeyValuePair<string, string>>? registered)
    {
        foreach (var (name, path) in registered ?? [])
        {
            if (string.IsNullOrWhiteSpace(name) || string.IsNullOrWhiteSpace(path))
                throw new ArgumentException($"Priors has the entry '{name}' = '{path}'; expected a name and a path.");
            // It is a name, which requests give: never a path.
            if (name.AsSpan().ContainsAny('/', '\\'))
                throw new ArgumentException($"Priors has the entry '{name}', whose name has a slash; expected a name such as 'indoor'.");
            if (string.Equals(name, Uniform, StringComparison.OrdinalIgnoreCase))
                throw new ArgumentException($"Priors names one '{Uniform}', which stands for no prior; give it another name.");
        }
    }
}
