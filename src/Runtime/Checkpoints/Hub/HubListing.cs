using System.Text.Json;

namespace D2Pruner.AI.Runtime.Checkpoints.Hub;

/// <summary>What the Hub says of a revision.</summary>
/// <param name="Commit">The commit; empty where a mirror does not say.</param>
/// <param name="Files">Its files in the top folder.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<HubFile> Files)
{
    /// <summary>Reads <c>/api/models/ID/revision/R</c>.</summary>
    /// <exception cref="JsonException">It is not that.</exception>
    public static HubListing Read(JsonElement json, bool withFolders = false)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("siblings", out var siblings)
            || siblings.ValueKind != JsonValueKind.Array)
            throw new JsonException("it has no list 'siblings'.");
        var files = new List<HubFile>();
        foreach (var s in siblings.EnumerateArray())
        {
            // Models have no sub-folders that the loader reads, data sets do; names that are no names are left out here, once.
            if (Text(s, "rfilename") is not { } name || !(withFolders ? name.Split('/').All(HubId.IsName) : HubId.IsName(name))) continue;
            var lfs = s.TryGetProperty("lfs", out var l) && l.ValueKind == JsonValueKind.Object ? l : default;
            var etag = lfs.ValueKind == JsonValueKind.Object
                ? Text(lfs, "sha256") ?? Text(lfs, "oid")?.Replace("sha256:", "", StringComparison.Ordinal) : Text(s, "blobId");
            files.Add(new HubFile(name, HubCache.SafeEtag(etag), Number(s, "size")
                ?? (lfs.ValueKind == JsonValueKind.Object ? Number(lfs, "size") : null)));
        }

        return new HubListing(Text(json, "sha") is { } sha && HubId.IsName(sha) ? sha : "", files);
    }

    private static string? Text(JsonElement json, string key) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(key, out var v) && v.ValueKind == JsonValueKind.String
            ? v.GetString() : null;

    private static long? Number(JsonElement json, string key) =>
        json.TryGetProperty(key, out var v) && v.ValueKind == JsonValueKind.Number && v.TryGetInt64(out var n) && n >= 0 ? n : null;
}
