using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>A positional prior was made for another model, chat template or K.</summary>
public sealed class PriorMismatchException : InvalidOperationException, IVisionError
{
    internal PriorMismatchException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.InvalidRequest;

    /// <summary>Refuses a prior that says of itself that it belongs to something else; one without provenance is taken.</summary>
    /// <param name="prior">The prior.</param>
    /// <param name="path">Its file or name, for the message.</param>
    /// <param name="model">The model.</param>
    /// <param name="layer">K that it must hold, where a request names the prior; null at load.</param>
    /// <param name="quantization">How the model is rounded at load: a prior belongs to a precision, and so does the command that makes
    /// one.</param>
    internal static void Check(PositionalBiasPrior prior, string path, VisionModelInfo model, int? layer, ModelQuantization quantization)
    {
        var problem = prior.ModelFingerprint is { } f && f != model.Fingerprint
            ? $"it was made for another model (fingerprint {f[..Math.Min(12, f.Length)]}, this one has {model.Fingerprint[..12]})"
            : prior.TemplateHash is { } t && t != model.TemplateHash ? "it was made with another chat template"
            : layer is { } k && !prior.Layers.Contains(k) ? $"it holds K = {string.Join(", ", prior.Layers)}, and K = {k} is asked for"
            : null;
        if (problem is null) return;
        var layers = layer is { } wanted ? $" --layers {wanted}" : "";
        // Where the model lies is the operator's business, not that of whoever sent a request.
        var folder = layer is null ? model.Folder : "MODEL_FOLDER";
        throw new PriorMismatchException(
            $"The prior '{path}' cannot be used with the model '{model.Id}': {problem}. Make one with: d2pruner calibrate " +
            $"--model \"{folder}\" --images FOLDER_OF_PICTURES{layers}{PriorCatalog.PrecisionFlag(quantization)}; or remove it.");
    }
}
