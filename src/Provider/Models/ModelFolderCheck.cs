using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI;

/// <summary>What can be known of a model's folder without its weights.</summary>
internal static class ModelFolderCheck
{
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

    /// <summary>What a folder's answers depend on: its small files' content and its weights' sizes. No weights are read.</summary>
    public static string Fingerprint(string folder)
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var file in new DirectoryInfo(folder).GetFiles().OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{file.Name}:{file.Length}\n"));
            if (file.Length <= 1 << 20 || file.Name == ModelLoader.PriorFileName) hash.AppendData(RegularFile.ReadAllBytes(file.FullName));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
