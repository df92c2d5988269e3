using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI;

/// <summary>What can be known of a model's folder without its weights.</summary>
internal static class ModelFolderCheck
{
    private const long SmallFile = 1 << 20;

    /// <summary>The problems; empty when the folder exists, its config.json is readable and its family known.</summary>
    public static IReadOnlyList<string> Problems(VisionModelOptions options)
    {
        // What is still to be fetched is looked at when it is there.
        if (options.DownloadIfMissing && ModelLocator.IsMissing(options.ModelPath!)) return [];
        try
        {
            ModelFamilies.Read(CheckpointFolder.Open(ModelLocator.Resolve(options.ModelPath!)));
            return [];
        }
        catch (CheckpointException e)
        {
            return e.Problems;
        }
    }

    /// <summary>What a folder's answers depend on: its small files' content, and samples of its weights (beginning, middle and end), which
    /// fine-tunes of one model differ in.</summary>
    public static string Fingerprint(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in new DirectoryInfo(folder).GetFiles().OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            // A snapshot of the Hub's cache holds links, whose own length is that of their text.
            var length = HubCache.Length(file.FullName);
            hash.AppendData(Encoding.UTF8.GetBytes($"{file.Name}:{length}\n"));
            if (length is > 0 and <= SmallFile || PriorFile.IsName(file.Name))
                hash.AppendData(RegularFile.ReadAllBytes(file.FullName));
            else if (length > SmallFile) ModelFingerprint.Append(hash, file.FullName);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>What answers with registered priors depend on: their names and their files' content.</summary>
    /// <param name="priors">Files by name.</param>
    /// <param name="folder">The model's folder, below which relative paths lie; empty while it is not there.</param>
    /// <returns>Empty where there are none.</returns>
    public static string Fingerprint(IDictionary<string, string> priors, string folder)
    {
        if (priors.Count == 0) return "";
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, file) in priors.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            var path = Path.Combine(folder, file);
            // A missing one ends the load, which says so.
            var bytes = File.Exists(path) ? RegularFile.ReadAllBytes(path) : [];
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}:{bytes.Length}\n"));
            hash.AppendData(bytes);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
