namespace D2Pruner.AI.Orleans.Workers;

/// <summary>A model that a silo may serve, beside those that are registered by <c>AddD2PrunerModel</c>.</summary>
/// <param name="Name">Its name in the cluster.</param>
/// <param name="Source">Where its engine comes from.</param>
internal sealed record ServedModel(string Name, IModelSource Source);
