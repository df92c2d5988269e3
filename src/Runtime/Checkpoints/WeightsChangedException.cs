namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A weight file that a loaded model has mapped was changed; its answers would be those of no model.
/// The model must be loaded again.</summary>
public sealed class WeightsChangedException : IOException, IVisionError
{
    internal WeightsChangedException(string path, string change)
        : base($"The weight file '{path}' of the loaded model was changed: {change}. The model must be loaded again; with " +
            "WeightsInMemory = true a loaded model does not depend on its files.") => FilePath = path;

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;
}
