using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>A request names a model that its client does not serve.</summary>
public sealed class ModelMismatchException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="requested">The model asked for.</param>
    /// <param name="served">The client's model.</param>
    public ModelMismatchException(string requested, string served)
        : base($"The request asks for model '{requested}', but this client serves '{served}'. Leave ChatOptions.ModelId empty, or " +
            "register a client for that model.") =>
        (Requested, Served) = (requested, served);

    /// <summary>The model asked for.</summary>
    public string Requested { get; }

    /// <summary>The client's model.</summary>
    public string Served { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.InvalidRequest;
}
