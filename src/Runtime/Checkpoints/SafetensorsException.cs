namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A safetensors file is damaged or holds what cannot be read; the message names the file, what
/// was found and what was expected.</summary>
public sealed class SafetensorsException : IOException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">What is wrong.</param>
    /// <param name="inner">The cause, if another exception.</param>
    public SafetensorsException(string path, string problem, Exception? inner = null)
        : base($"'{path}' is not a usable safetensors file: {problem}", inner) => FilePath = path;

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.Unavailable;
}
