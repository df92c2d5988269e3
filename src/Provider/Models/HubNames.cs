using D2Pruner.AI.Runtime.Checkpoints.Hub;

namespace D2Pruner.AI;

/// <summary>What requests may call a model that was named by its id on the Hub, besides its own id.</summary>
internal static class HubNames
{
    /// <summary>The id as it was given, then the same with the default revision, or without another one; none for a folder.</summary>
    /// <param name="pathOrId">A folder or an id.</param>
    public static string[] Of(string? pathOrId)
    {
        if (Directory.Exists(pathOrId) || !HubId.TryParse(pathOrId, out var id)) return [];
        return id.Revision == HubId.DefaultRevision
            ? [id.Repository, $"{id.Repository}@{id.Revision}"] : [$"{id.Repository}@{id.Revision}", id.Repository];
    }
}
