using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Orleans;

/// <summary>A conversation was begun by a version of a model that no worker serves any more; another version must not go on
/// with it.</summary>
public sealed class ModelReplacedException : InvalidOperationException, IVisionError
{
    /// <summary>Creates it.</summary>
    /// <param name="model">Name of the model in the cluster.</param>
    /// <param name="begunBy">Fingerprint of the version that the conversation was begun by.</param>
    /// <param name="served">Fingerprints that are served now.</param>
    public ModelReplacedException(string model, string begunBy, IReadOnlyList<string> served)
        : base($"The conversation was begun by version {begunBy} of the model '{model}', which no worker serves any more (served: " +
            $"{(served.Count == 0 ? "none" : string.Join(", ", served))}). Begin a new conversation, or send its messages without " +
            $"'{ClusterKeys.Fingerprint}' to let the new version go on with it.") =>
        (Model, BegunBy) = (model, begunBy);

    /// <summary>Name of the model in the cluster.</summary>
    public string Model { get; }

    /// <summary>Fingerprint of the version that the conversation was begun by.</summary>
    public string BegunBy { get; }

    /// <inheritdoc/>
    public VisionErrorKind Kind => VisionErrorKind.InvalidRequest;
}
