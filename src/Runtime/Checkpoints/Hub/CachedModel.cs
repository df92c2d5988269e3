namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>A revision of a model in the local cache, as listed.</summary>
/// <param name="Repository"><c>owner/name</c>.</param>
/// <param name="Commit">The commit.</param>
/// <param name="References">Branches and tags that mean this commit.</param>
/// <param name="Folder">The snapshot's folder.</param>
/// <param name="Bytes">Bytes of its files.</param>
/// <param name="Complete">Whether config.json, a tokenizer and all weights are there.</param>
/// <param name="LastUsed">When a file of it was last written or read, as far as the file system tells (UTC).</param>
public sealed record CachedModel(
    string Repository, string Commit, IReadOnlyList<string> References, string Folder, long Bytes, bool Complete, DateTime LastUsed);
