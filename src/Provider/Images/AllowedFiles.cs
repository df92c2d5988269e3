using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI;

/// <summary>Files below allowed folders, judged by where they really lie.</summary>
internal sealed class AllowedFiles
{
    private static readonly StringComparison Comparison = OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()
        ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
    private readonly string[] _roots;
    private readonly long _maxBytes;
    private readonly bool _followLinks;

    public AllowedFiles(IEnumerable<string> roots, long maxBytes, bool followLinks)
    {
        _followLinks = followLinks;
        _maxBytes = maxBytes;
        _roots = [.. roots.Select(r => Directory.Exists(r)
            ? RealPath(Path.GetFullPath(r))
            : throw new ArgumentException($"The allowed image folder '{r}' does not exist.", nameof(roots)))];
    }

    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(Uri uri, string path, CancellationToken cancellationToken)
    {
        try
        {
            var file = new FileInfo(Find(uri, path));
            // Pipes and devices have no length, and reading one may never end.
            if (file.Length == 0) throw new ImageAccessDeniedException(uri, "it is empty or no ordinary file.");
            if (file.Length > _maxBytes)
                throw new ImageAccessDeniedException(
                    uri, $"it has {file.Length} bytes; {_maxBytes} are allowed.", Runtime.VisionErrorKind.TooLarge);
            return await RegularFile.ReadAllBytesAsync(file.FullName, _maxBytes, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ImageAccessDeniedException(uri, $"the file could not be read ({e.GetType().Name}).");
        }
    }

    private string Find(Uri uri, string path)
    {
        if (_roots.Length == 0) throw new ImageAccessDeniedException(uri, "no folder is allowed; add one to AllowedRoots.");
        string[] candidates = Path.IsPathRooted(path) ? [path] : [.. _roots.Select(r => Path.Combine(r, path))];
        var isLink = false;
        foreach (var candidate in candidates)
        {
            var full = Path.GetFullPath(candidate);
            var real = RealPath(full);
            // A link in one folder says nothing of a file in the next.
            if (!_followLinks && !string.Equals(real, full, Comparison) && Array.Exists(_roots, r => IsBelow(full, r))) isLink = true;
            else if (Array.Exists(_roots, r => IsBelow(real, r)) && File.Exists(real)) return real;
        }

        // One answer for both: whether a file outside exists is nobody's business.
        throw new ImageAccessDeniedException(
            uri, isLink ? "links are not followed." : "there is no such file in the allowed folders.");
    }

    private static bool IsBelow(string path, string root) =>
        path.StartsWith(Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar, Comparison);

    /// <summary>A full path with every link on the way followed.</summary>
    internal static string RealPath(string fullPath)
    {
        for (var links = 0; links < 40; links++)
        {
            if (FirstLink(fullPath) is not var (link, target, rest)) return fullPath;
            fullPath = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(link)!, target, rest));
        }

        throw new IOException("Too many links.");
    }

    private static (string Link, string Target, string Tail)? FirstLink(string fullPath)
    {
        var root = Path.GetPathRoot(fullPath)!;
        var names = fullPath[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries);
        var at = root;
        for (var i = 0; i < names.Length; i++)
        {
            at = Path.Combine(at, names[i]);
            if (new FileInfo(at).LinkTarget is { } target) return (at, target, Path.Combine([.. names[(i + 1)..]]));
        }

        return null;
    }
}
