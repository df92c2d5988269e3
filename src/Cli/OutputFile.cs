using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Cli;

/// <summary>Files that a command writes at its end are tried at its beginning: a minute of computing must not
/// be lost to a mistyped folder.</summary>
internal static class OutputFile
{
    /// <exception cref="ArgumentException">It cannot be written.</exception>
    public static void EnsureWritable(string option, FileInfo? file)
    {
        if (file is null) return;
        if (Directory.Exists(file.FullName)) throw new ArgumentException($"{option} is '{file}', which is a folder; name a file.");
        try
        {
            if (file.DirectoryName is { Length: > 0 } folder && !Directory.Exists(folder))
                throw new ArgumentException($"{option} is '{file}', but there is no folder '{folder}'.");
            AtomicFile.CheckWritable(file.FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"{option} is '{file}', which cannot be written: {e.Message}", e);
        }
    }
}
