using D2Pruner.AI.Runtime.Checkpoints.Hub;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Finds a model: a folder, or a Hub id in the local Hugging Face cache (HF_HUB_CACHE,
/// HF_HOME/hub, ~/.cache/huggingface/hub).</summary>
internal static class ModelLocator
{
    /// <summary>The folder of a model.</summary>
    /// <param name="pathOrId">A folder, or an id such as <c>llava-hf/llava-1.5-7b-hf</c> or <c>owner/name@revision</c>.</param>
    /// <exception cref="CheckpointException">It is neither; the message gives the download command.</exception>
    public static string Resolve(string pathOrId)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        if (Directory.Exists(pathOrId)) return Path.GetFullPath(pathOrId);
        if (!HubId.TryParse(pathOrId, out var id))
            throw new CheckpointException(
                pathOrId, ["there is no such folder; give the folder that holds config.json, or a Hub id (owner/name)."]);
        var cache = new HubCache(HubEnvironment.CacheFolder);
        return cache.Find(id) ?? throw new CheckpointException(pathOrId,
            [$"there is no such folder, and the Hugging Face cache '{cache.Root}' does not hold it. Download it with: d2pruner pull " +
                $"{id} (or: hf download {id.Repository}), or set DownloadIfMissing."]);
    }

    /// <summary>Whether a model has to be fetched before it can be loaded: it is a Hub id, and the cache does not hold all of it.</summary>
    /// <param name="pathOrId">A folder or an id.</param>
    public static bool IsMissing(string pathOrId)
    {
        if (Directory.Exists(pathOrId) || !HubId.TryParse(pathOrId, out var id)) return false;
        if (ModelHub.Find(pathOrId) is not { } folder) return true;
        // Without its image settings a model loads, and sees wrongly. Offline there is nothing to fetch them from.
        return !HubEnvironment.Offline && !new HubCache(HubEnvironment.CacheFolder).HasImageSettings(id, folder);
    }

    /// <summary>A stable id for people: the Hub id's name, or the folder's own name; never a path.</summary>
    public static string IdOf(string pathOrId) =>
        !Directory.Exists(pathOrId) && HubId.TryParse(pathOrId, out var id) ? id.Name.ToLowerInvariant()
            : new DirectoryInfo(pathOrId).Name.ToLowerInvariant();
}
