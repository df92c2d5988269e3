namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>A cached file after checking.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Problem">What is wrong, or null.</param>
/// <param name="Checked">Whether its content could be compared with a hash; small files of mirrors may have none.</param>
public sealed record VerifiedFile(string Name, long Bytes, string? Problem, bool Checked);
