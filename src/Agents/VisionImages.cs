using System.Collections.Concurrent;

namespace D2Pruner.AI;

/// <summary>
/// The images that <see cref="VisionTools"/> may look at: registered ones by id, and, only where the application allows it, files below
/// some folders or what an <see cref="IImageResolver"/> reads. The names come from a chat model, so everything else is denied. Safe for
/// concurrent use.
/// </summary>
public sealed class VisionImages : IImageSource
{
    /// <summary>An image's URI is this and its escaped id or path; it may stand wherever an id may.</summary>
    public const string UriPrefix = "d2pruner://images/";

    /// <summary>Longest id and longest name, in characters.</summary>
    internal const int MaxNameLength = 400;

    // A folder of other things must not hold a caller up.
    private const int MaxVisited = 50_000;
    private const string NoImage = "no PNG, JPEG, WebP, GIF or BMP image";
    private readonly ConcurrentDictionary<string, ReadOnlyMemory<byte>> registered = new(StringComparer.Ordinal);
    private readonly string[] folders;
    private volatile IImageResolver? resolver;
    private int last;

    /// <summary>Allows registered images, and files below folders by relative path; links and ways out of them are denied.</summary>
    /// <param name="allowedFolders">The folders; none allows no file.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public VisionImages(params string[] allowedFolders)
    {
        ArgumentNullException.ThrowIfNull(allowedFolders);
        foreach (var folder in allowedFolders)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(folder, nameof(allowedFolders));
            if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"The allowed folder '{folder}' does not exist.");
        }

        folders = [.. allowedFolders.Select(Path.GetFullPath)];
    }

    /// <summary>Allows registered images and what a resolver reads; it gets every other name as a URI, relative ones too.</summary>
    /// <param name="resolver">Decides and reads.</param>
    public VisionImages(IImageResolver resolver)
    {
        ArgumentNullException.ThrowIfNull(resolver);
        folders = [];
        this.resolver = resolver;
    }

    /// <summary>Most bytes of an encoded image. Default: 32 MiB.</summary>
    public long MaxImageBytes { get; init; } = 32L << 20;

    /// <summary>Ids of the registered images, in order.</summary>
    public IReadOnlyList<string> Ids => [.. registered.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Registers an image.</summary>
    /// <param name="image">The encoded image (PNG, JPEG, WebP, GIF or BMP); not copied.</param>
    /// <param name="id">Its id (at most 400 characters, none of them a control character), or null for <c>image-1</c>, <c>image-2</c>,
    /// ...</param>
    /// <returns>The id.</returns>
    /// <exception cref="ArgumentException">The bytes are no image or too many, or the id is empty, unfit or taken.</exception>
    public string Add(ReadOnlyMemory<byte> image, string? id = null)
    {
        if (image.Length > MaxImageBytes)
            throw new ArgumentException($"The image has {image.Length} bytes, more than MaxImageBytes = {MaxImageBytes}.", nameof(image));
        if (MediaType(image.Span) is null) throw new ArgumentException($"The bytes are {NoImage}.", nameof(image));
        if (id is not null)
        {
            if (string.IsNullOrWhiteSpace(id)) throw new ArgumentException("The id is empty.", nameof(id));
            if (id.Length > MaxNameLength || id.Any(char.IsControl))
                throw new ArgumentException($"The id has more than {MaxNameLength} characters, or a control character.", nameof(id));
            if (!registered.TryAdd(id, image))
                throw new ArgumentException($"The id '{id}' is taken; remove that image first, or choose another id.", nameof(id));
            return id;
        }

        do id = $"image-{Interlocked.Increment(ref last)}";
        while (!registered.TryAdd(id, image));
        return id;
    }

    /// <summary>Forgets a registered image.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>False if there was none.</returns>
    public bool Remove(string id) => registered.TryRemove(id, out _);

    /// <summary>Reads an image.</summary>
    /// <param name="reference">An id, a URI of <see cref="UriOf"/>, or what the folders or the resolver understand.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <returns>The encoded image.</returns>
    /// <exception cref="ImageAccessDeniedException">It may not be read, does not exist, is too big or is no image.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(string reference, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(reference)) throw Denied("", "no image was named.");
        if (registered.TryGetValue(reference, out var known)) return known;
        if (reference.StartsWith(UriPrefix, StringComparison.Ordinal))
        {
            reference = Uri.UnescapeDataString(reference[UriPrefix.Length..]);
            if (registered.TryGetValue(reference, out known)) return known;
        }

        if (reference.Length > MaxNameLength && folders.Length > 0)
            throw Denied(reference[..40] + "...", $"the name has more than {MaxNameLength} characters.");
        if (!Uri.TryCreate(reference, UriKind.RelativeOrAbsolute, out var uri))
            throw Denied(reference, "this is neither an id nor a path.");
        var reader = Reader(reference);
        if (folders.Length > 0) uri = RelativePath(reference);

        ReadOnlyMemory<byte> bytes;
        try
        {
            bytes = await reader.ResolveAsync(uri, cancellationToken).ConfigureAwait(false);
        }
        catch (ImageAccessDeniedException e) when (folders.Length > 0)
        {
            throw Denied(reference, $"{e.Reason} No image is registered under this id either.", e.Kind == Runtime.VisionErrorKind.TooLarge);
        }

        if (bytes.Length > MaxImageBytes)
            throw Denied(reference, $"it has {bytes.Length} bytes, more than the {MaxImageBytes} allowed.", isTooLarge: true);
        if (MediaType(bytes.Span) is null) throw Denied(reference, $"it is {NoImage}.");
        return bytes;
    }

    /// <summary>The URI of an image.</summary>
    /// <param name="name">Its id or path.</param>
    public static string UriOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return UriPrefix + string.Join('/', name.Split('/').Select(Uri.EscapeDataString));
    }

    /// <summary>Relative paths of the image files below the allowed folders, by their endings, in order; '/' between folders on every
    /// system. Links are left out, and names that <see cref="ReadAsync"/> takes for no plain path.</summary>
    /// <param name="limit">Most paths, at least 1.</param>
    public IReadOnlyList<string> Files(int limit = 1000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return [.. folders.SelectMany(f => FilesBelow(f, limit)).Take(limit).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>The media type of an image that can be looked at, or null.</summary>
    internal static string? MediaType(ReadOnlySpan<byte> bytes) =>
        ImageSniffer.Sniff(bytes) is { } type and ("image/png" or "image/jpeg" or "image/gif" or "image/bmp" or "image/webp") ? type : null;

    /// <summary>Some of what may be named: ids, then files.</summary>
    IReadOnlyList<string> IImageSource.Names(int limit) => Names(limit);

    /// <summary>Some of what may be named: ids, then files.</summary>
    internal IReadOnlyList<string> Names(int limit)
    {
        List<string> names = [.. Ids.Take(limit)];
        if (names.Count < limit && folders.Length > 0) names.AddRange(Files(limit - names.Count));
        return names;
    }

    // Made late, because the limit is set after the constructor; kept once it is over all folders.
    private IImageResolver Reader(string reference)
    {
        if (resolver is { } known) return known;
        if (folders.Length == 0) throw Denied(reference, "no image is registered under this id, and files are not allowed.");
        // It cannot be made over a folder that is gone by now, and would say where it lay.
        string[] there = [.. folders.Where(Directory.Exists)];
        if (there.Length == 0) throw Denied(reference, "no allowed folder is there any more.");
        var made = new AllowListImageResolver(
            new ImageResolverOptions { AllowedRoots = there, MaxBytes = MaxImageBytes, FollowLinks = false });
        if (there.Length == folders.Length) resolver = made;
        return made;
    }

    private static List<string> FilesBelow(string folder, int limit)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, MaxRecursionDepth = 16,
            AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden };
        List<string> paths = [];
        try
        {
            paths.AddRange(new DirectoryInfo(folder).EnumerateFiles("*", options).Take(MaxVisited)
                .Where(f => HasImageEnding(f.Name) && f.Length > 0)
                .Select(f => Path.GetRelativePath(folder, f.FullName).Replace(Path.DirectorySeparatorChar, '/'))
                .Where(p => p.Length <= MaxNameLength && !p.Contains('\\') && !HasForeign(p)).Take(limit));
        }
        catch (IOException)
        {
            // The folder was there when it was allowed; what is gone by now has no files.
        }

        return paths;
    }

    private static bool HasForeign(string path) => path.Any(c => c == ':' || char.IsControl(c));

    // Both separators and drive letters count on every system, so that an allowed path means the same everywhere.
    private static Uri RelativePath(string path)
    {
        string[] segments = path.Split('/', '\\');
        if (HasForeign(path) || segments.Any(s => s is "" or "." or ".."))
            throw Denied(path, "only plain paths relative to the allowed folder are read (no absolute paths, no '..').");
        return Uri.TryCreate(string.Join('/', segments), UriKind.Relative, out var uri) ? uri : throw Denied(path, "this is no path.");
    }

    private static bool HasImageEnding(string name) =>
        Path.GetExtension(name).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".webp" or ".gif" or ".bmp";

    private static ImageAccessDeniedException Denied(string reference, string reason, bool isTooLarge = false)
    {
        var uri = Uri.TryCreate(reference, UriKind.RelativeOrAbsolute, out var read) ? read
            : new Uri(Uri.EscapeDataString(reference), UriKind.Relative);
        return new ImageAccessDeniedException(uri, reason, isTooLarge ? Runtime.VisionErrorKind.TooLarge
            : Runtime.VisionErrorKind.InvalidRequest);
    }
}
