namespace D2Pruner.AI.Orleans;

/// <summary>Keys that this package reads from or writes to a property bag or a request's context.</summary>
internal static class ClusterKeys
{
    /// <summary>On an answer's message: the version of the model that gave it; a history that holds it goes to the same version.</summary>
    public const string Fingerprint = "d2pruner.fingerprint";

    /// <summary>On the same message: the model's name in the cluster. A history may go from one model to another.</summary>
    public const string Model = "d2pruner.cluster_model";

    /// <summary>In Orleans' request context: silos that have been tried in vain, separated by spaces.</summary>
    public const string Avoid = "d2pruner.avoid";
}
