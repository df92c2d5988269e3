namespace D2Pruner.AI.SemanticKernel;

/// <summary>Reads pictures below one folder, by relative path, and nothing else: no way up, no links, no absolute paths.</summary>
internal sealed class ImageFolder
{
    private readonly string root;

    public ImageFolder(string folder)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (!Directory.Exists(root)) throw new DirectoryNotFoundException($"The allowed folder '{folder}' does not exist.");
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Relative to the folder.</param>
    /// <param name="maxBytes">Checked before anything is read.</param>
    /// <param name="deny">Makes the exception for a reason.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    public async Task<byte[]> ReadAsync(string path, long maxBytes, Func<string, Exception> deny, CancellationToken cancellationToken)
    {
        // Both separators and drive letters count on every system, so that an allowed path means the same everywhere.
        string[] segments = path.Split('/', '\\');
        if (path.Contains(':') || path.Contains('\0') || segments.Any(s => s is "" or "." or "..")) throw deny("only plain paths relative to the allowed folder are read (no absolute paths, no '..').");
        var at = root;
        foreach (var segment in segments)
        {
            at = Path.Combine(at, segment);
            // A link could lead anywhere.
            if (new FileInfo(at).LinkTarget is not null) throw deny("links are not followed.");
        }

        var file = new FileInfo(at);
        if (!file.Exists) throw deny("there is no such file in the allowed folder, and no picture is registered under this id.");
        if (file.Length > maxBytes) throw deny($"it has {file.Length} bytes, more than the {maxBytes} allowed.");
        return await File.ReadAllBytesAsync(at, cancellationToken).ConfigureAwait(false);
    }
}
