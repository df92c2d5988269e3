using System.Collections.Concurrent;
using D2Pruner.AI;
using D2Pruner.AI.SemanticKernel;

namespace Microsoft.SemanticKernel;

/// <summary>
/// The pictures that a <see cref="VisionPlugin"/> may look at: registered ones by id, and, only where the application allows it, files below one
/// folder or what an <see cref="IImageResolver"/> reads. The names come from a chat model, so everything else is denied. Safe for concurrent use.
/// </summary>
public sealed class VisionImages
{
    private readonly ConcurrentDictionary<string, ReadOnlyMemory<byte>> registered = new(StringComparer.Ordinal);
    private readonly ImageFolder? folder;
    private readonly IImageResolver? resolver;
    private int last;

    /// <summary>Allows registered pictures only.</summary>
    public VisionImages()
    {
    }

    /// <summary>Allows registered pictures and files below a folder, by relative path; links and ways out of it are denied.</summary>
    /// <param name="allowedFolder">The folder.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public VisionImages(string allowedFolder) => folder = new ImageFolder(allowedFolder);

    /// <summary>Allows registered pictures and what a resolver reads; it gets every other name as a URI, relative ones too.</summary>
    /// <param name="resolver">Decides and reads.</param>
    public VisionImages(IImageResolver resolver) => this.resolver = resolver ?? throw new ArgumentNullException(nameof(resolver));

    /// <summary>Most bytes of an encoded picture. Default: 32 MiB.</summary>
    public long MaxImageBytes { get; init; } = 32L << 20;

    /// <summary>Ids of the registered pictures, in order.</summary>
    public IReadOnlyList<string> Ids => [.. registered.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Registers a picture.</summary>
    /// <param name="image">The encoded picture (PNG, JPEG, WebP, GIF or BMP); not copied.</param>
    /// <param name="id">Its id, or null for <c>image-1</c>, <c>image-2</c>, ...</param>
    /// <returns>The id.</returns>
    /// <exception cref="ArgumentException">The bytes are no picture or too many, or the id is empty or taken.</exception>
    public string Add(ReadOnlyMemory<byte> image, string? id = null)
    {
        if (image.Length > MaxImageBytes) throw new ArgumentException($"The picture has {image.Length} bytes, more than MaxImageBytes = {MaxImageBytes}.", nameof(image));
        if (PictureFormat.MediaType(image.Span) is null) throw new ArgumentException("The bytes are no PNG, JPEG, WebP, GIF or BMP picture.", nameof(image));
        if (id is not null)
        {
            if (string.IsNullOrWhiteSpace(id)) throw new ArgumentException("The id is empty.", nameof(id));
            if (!registered.TryAdd(id, image)) throw new ArgumentException($"The id '{id}' is taken; remove that picture first, or choose another id.", nameof(id));
            return id;
        }

        do id = $"image-{Interlocked.Increment(ref last)}";
        while (!registered.TryAdd(id, image));
        return id;
    }

    /// <summary>Forgets a registered picture.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>False if there was none.</returns>
    public bool Remove(string id) => registered.TryRemove(id, out _);

    /// <summary>Reads a picture.</summary>
    /// <param name="reference">An id, or what the folder or resolver understands.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <returns>The encoded picture.</returns>
    /// <exception cref="ImageAccessDeniedException">It may not be read, does not exist, is too big or is no picture.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(string reference, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(reference)) throw Denied("", $"no picture was named. {Known()}");
        if (registered.TryGetValue(reference, out var known)) return known;
        if (!Uri.TryCreate(reference, UriKind.RelativeOrAbsolute, out var uri)) throw Denied(reference, $"this is neither an id nor a path. {Known()}");

        ReadOnlyMemory<byte> bytes;
        if (folder is not null) bytes = await folder.ReadAsync(reference, MaxImageBytes, reason => Denied(reference, $"{reason} {Known()}"), cancellationToken).ConfigureAwait(false);
        else if (resolver is not null) bytes = await resolver.ResolveAsync(uri, cancellationToken).ConfigureAwait(false);
        else throw Denied(reference, $"no picture is registered under this id, and files are not allowed. {Known()}");
        if (bytes.Length > MaxImageBytes) throw Denied(reference, $"it has {bytes.Length} bytes, more than the {MaxImageBytes} allowed.");
        if (PictureFormat.MediaType(bytes.Span) is null) throw Denied(reference, "it is no PNG, JPEG, WebP, GIF or BMP picture.");
        return bytes;
    }

    private string Known() => Ids is { Count: > 0 } ids ? $"Registered ids: {string.Join(", ", ids.Take(20))}{(ids.Count > 20 ? ", ..." : ".")}" : "No picture is registered.";

    private static ImageAccessDeniedException Denied(string reference, string reason) =>
        new(Uri.TryCreate(reference, UriKind.RelativeOrAbsolute, out var uri) ? uri : new Uri(Uri.EscapeDataString(reference), UriKind.Relative), reason);
}
