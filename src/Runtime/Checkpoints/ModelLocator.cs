namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Finds a model: a folder, or a Hub id in the local Hugging Face cache (HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub).</summary>
public static class ModelLocator
{
    /// <summary>The folder of a model.</summary>
    /// <param name="pathOrId">A folder, or an id such as <c>llava-hf/llava-1.5-7b-hf</c>.</param>
    /// <exception cref="CheckpointException">It is neither; the message gives the download command.</exception>
    public static string Resolve(string pathOrId)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        if (Directory.Exists(pathOrId)) return Path.GetFullPath(pathOrId);
        if (!IsHubId(pathOrId)) throw new CheckpointException(pathOrId, ["there is no such folder; give the folder that holds config.json, or a Hub id (owner/name)."]);
        var repository = Path.Combine(CacheFolder(), "models--" + pathOrId.Replace("/", "--", StringComparison.Ordinal));
        var main = Path.Combine(repository, "refs", "main");
        var snapshots = Path.Combine(repository, "snapshots");
        if (File.Exists(main) && Path.Combine(snapshots, File.ReadAllText(main).Trim()) is var named && File.Exists(Path.Combine(named, "config.json"))) return named;
        if (Directory.Exists(snapshots) && Directory.GetDirectories(snapshots).Where(d => File.Exists(Path.Combine(d, "config.json"))).MaxBy(Directory.GetLastWriteTimeUtc) is { } newest) return newest;
        throw new CheckpointException(pathOrId, [$"there is no such folder, and the Hugging Face cache '{CacheFolder()}' does not hold it. Download it with: hf download {pathOrId}"]);
    }

    /// <summary>A stable id for people: the Hub id, or the folder's own name; never a path.</summary>
    public static string IdOf(string pathOrId) =>
        !Directory.Exists(pathOrId) && IsHubId(pathOrId) ? pathOrId.Split('/')[^1].ToLowerInvariant() : new DirectoryInfo(pathOrId).Name.ToLowerInvariant();

    private static bool IsHubId(string text) =>
        text.Split('/') is [{ Length: > 0 } owner, { Length: > 0 } name] && owner is not "." and not ".." && (owner + name).All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static string CacheFolder()
    {
        if (Environment.GetEnvironmentVariable("HF_HUB_CACHE") is { Length: > 0 } cache) return cache;
        if (Environment.GetEnvironmentVariable("HF_HOME") is { Length: > 0 } home) return Path.Combine(home, "hub");
        return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "huggingface", "hub");
    }
}
