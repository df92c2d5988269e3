using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>Tells whether a prior belongs to a model: quick to compute, different for other weights.</summary>
internal static class ModelFingerprint
{
    private const int Sample = 1 << 16;

    /// <summary>SHA-256 over config.json's sizes and the beginning, middle and end of every weight file.</summary>
    public static string Of(CheckpointFolder folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(RegularFile.ReadAllBytes(Path.Combine(folder.Path, "config.json")));
        foreach (var path in folder.WeightFiles()) Append(hash, path);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Adds a large file to a hash: its length, beginning, middle and end.</summary>
    /// <param name="hash">The hash.</param>
    /// <param name="path">The file.</param>
    internal static void Append(IncrementalHash hash, string path)
    {
        using var file = RegularFile.Open(path);
        var length = RandomAccess.GetLength(file);
        hash.AppendData(BitConverter.GetBytes(length));
        var buffer = new byte[Sample];
        foreach (var at in (long[])[0, Math.Max(0, length / 2 - Sample / 2), Math.Max(0, length - Sample)])
        {
            var read = RandomAccess.Read(file, buffer, at);
            hash.AppendData(buffer.AsSpan(0, read));
        }
    }

    /// <summary>The fingerprint of a checkpoint loaded at another precision than its own.</summary>
    public static string WithPrecision(string fingerprint, string precision) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{fingerprint}|{precision}")));

    /// <summary>SHA-256 of the generic prompt as the model's template renders it.</summary>
    public static string OfTemplate(ModelBlueprint blueprint)
    {
        var text = blueprint.Template.Render(
            [new ChatTurn("user", [new ImagePart(ReadOnlyMemory<byte>.Empty), new TextPart(CalibrationOptions.GenericPrompt)])]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
