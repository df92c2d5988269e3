namespace D2Pruner.AI;

/// <summary>A model that is loaded beside the host's start.</summary>
/// <param name="Name">Its name as registered.</param>
internal sealed record WarmedModel(string Name);
