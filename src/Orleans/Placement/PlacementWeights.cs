namespace D2Pruner.AI.Orleans.Placement;

/// <summary>The constants of <see cref="WorkerChoice"/>.</summary>
/// <param name="Queue"><see cref="D2PrunerClusterOptions.QueueWeight"/>.</param>
/// <param name="Kv"><see cref="D2PrunerClusterOptions.KvWeight"/>.</param>
/// <param name="LoadBound"><see cref="D2PrunerClusterOptions.LoadBound"/>.</param>
internal readonly record struct PlacementWeights(double Queue, double Kv, double LoadBound)
{
    public static PlacementWeights Of(D2PrunerClusterOptions options) => new(options.QueueWeight, options.KvWeight, options.LoadBound);
}
