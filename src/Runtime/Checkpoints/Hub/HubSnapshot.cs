namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>A model in the local cache.</summary>
/// <param name="Id">Owner, name and the revision asked for.</param>
/// <param name="Commit">The commit that the revision meant.</param>
/// <param name="Folder">The folder that holds config.json.</param>
/// <param name="Bytes">Bytes of its files.</param>
/// <param name="BytesFetched">Bytes that had to be fetched now; 0 when all was there.</param>
public sealed record HubSnapshot(HubId Id, string Commit, string Folder, long Bytes, long BytesFetched);
