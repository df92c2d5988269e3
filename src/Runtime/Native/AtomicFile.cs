using System.Text;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>
/// Writes files whole or not at all: beside the target, flushed to the disk, then renamed over it. Whatever fails, no part of a file stays
/// behind and the old one is as it was.
/// </summary>
internal static class AtomicFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The target; replaced where it exists.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">The disk is full, or the target is no regular file, or cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The target's folder may not be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        CheckTarget(path);
        var beside = Beside(path);
        try
        {
            using (var file = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            Delete(beside);
            throw;
        }
    }

    /// <summary>Writes bytes.</summary>
    /// <inheritdoc cref="Write(string, Action{Stream})" path="/exception"/>
    /// <param name="path">The target.</param>
    /// <param name="bytes">Its content.</param>
    public static void Write(string path, byte[] bytes) => Write(path, stream => stream.Write(bytes));

    /// <summary>Writes a text in UTF-8.</summary>
    /// <inheritdoc cref="Write(string, Action{Stream})"/>
    /// <param name="path">The target.</param>
    /// <param name="text">Its content.</param>
    public static void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    /// <summary>Copies a file.</summary>
    /// <inheritdoc cref="Write(string, Action{Stream})"/>
    /// <param name="source">A regular file.</param>
    /// <param name="path">The target.</param>
    /// <exception cref="FileNotFoundException">There is no source.</exception>
    public static void Copy(string source, string path)
    {
        using var from = RegularFile.OpenStream(source);
        Write(path, from.CopyTo);
    }

    /// <summary>Checks before long work that a target can be written when it is done: its folder takes files, and the target is
    /// none that must not be replaced.</summary>
    /// <param name="path">The target.</param>
    /// <exception cref="IOException">It is a folder, pipe or device, or nothing can be written beside it.</exception>
    /// <exception cref="UnauthorizedAccessException">Its folder may not be written.</exception>
    public static void CheckWritable(string path)
    {
        CheckTarget(path);
        var beside = Beside(path);
        try
        {
            using var file = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        }
        finally
        {
            Delete(beside);
        }
    }

    private static void CheckTarget(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw new IOException($"'{path}' is a folder; expected the name of a file to write.");
        if (File.Exists(path)) RegularFile.Check(path);
    }

    private static string Beside(string path) => $"{path}.{Guid.NewGuid():N}.tmp";

    private static void Delete(string beside)
    {
        try
        {
            File.Delete(beside);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to tell.
        }
    }
}
