using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Cli;

/// <summary>The file that a calibration writes: checked before the work, and never a worse prior in place of a better one.</summary>
internal static class PriorTarget
{
    private const string BackupEnding = ".bak";

    /// <summary>Checks that the file can be written, and that what is there may be replaced.</summary>
    /// <param name="path">The target.</param>
    /// <param name="fingerprint">The model's; a prior of another model is nothing to keep.</param>
    /// <param name="images">Images that the new one averages at most.</param>
    /// <param name="layers">Every K of the new one.</param>
    /// <param name="force">Replace anything.</param>
    /// <exception cref="ArgumentException">A better prior is there.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Check(string path, string fingerprint, int images, IReadOnlyCollection<int> layers, bool force)
    {
        AtomicFile.CheckWritable(path);
        if (force || !File.Exists(path)) return;
        PositionalBiasPrior old;
        try
        {
            old = PriorFile.Load(path);
        }
        catch (SafetensorsException)
        {
            return; // damaged: nothing is lost, and it is kept as a backup anyway
        }

        if (old.ModelFingerprint is { } other && other != fingerprint) return;
        var lost = old.Layers.Except(layers).ToArray();
        var why = old.ImageCount > images ? $"averages {old.ImageCount} images, and this run {images} at most"
            : lost.Length > 0 ? $"holds K = {string.Join(", ", lost)}, which this run does not make"
            : null;
        if (why is not null)
            throw new ArgumentException(
                $"'{path}' is the better prior: it {why}. Give --force to replace it (it is kept as " +
                $"'{Path.GetFileName(path)}{BackupEnding}'), or --out for another file.");
    }

    /// <summary>Writes a prior; what was there is kept beside it.</summary>
    /// <returns>The backup's path; null where nothing was there.</returns>
    public static string? Write(PositionalBiasPrior prior, string path)
    {
        string? backup = null;
        if (File.Exists(path))
        {
            backup = path + BackupEnding;
            AtomicFile.Copy(path, backup);
        }

        PriorFile.Save(prior, path);
        return backup;
    }
}
