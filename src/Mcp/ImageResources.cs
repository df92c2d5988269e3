using System.Globalization;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace D2Pruner.AI.Mcp;

/// <summary>The images that may be named, as MCP resources.</summary>
internal sealed class ImageResources(VisionImages images, D2PrunerMcpOptions options)
{
    public static ResourceTemplate Template { get; } = new()
    {
        Name = "image",
        Title = "An image",
        UriTemplate = VisionImages.UriPrefix + "{+name}",
        Description = "A registered image by its id, or an image file by its path relative to the allowed folder.",
    };

    /// <summary>A page of the list.</summary>
    /// <param name="cursor">Where it begins, from the page before; null for the first.</param>
    /// <exception cref="McpProtocolException">The cursor is none of this server's.</exception>
    public ListResourcesResult List(string? cursor)
    {
        var start = 0;
        if (cursor is not null && !int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out start))
            throw new McpProtocolException("The cursor is none of this server's.", McpErrorCode.InvalidParams);
        List<string> ids = [.. images.Ids];
        string[] names = [.. ids, .. images.Files(options.MaxListedImages).Except(ids)];
        return new ListResourcesResult
        {
            Resources = [.. names.Skip(start).Take(options.PageSize).Select(n =>
                new Resource { Name = n, Uri = VisionImages.UriOf(n), MimeType = MediaType(n) })],
            NextCursor = (long)start + options.PageSize < names.Length ? (start + options.PageSize).ToString(CultureInfo.InvariantCulture)
                : null,
        };
    }

    /// <summary>An image's bytes.</summary>
    /// <param name="uri">As <see cref="List"/> gives it.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="McpProtocolException">It may not be read, does not exist, or is no image.</exception>
    public async ValueTask<ReadResourceResult> ReadAsync(string? uri, CancellationToken cancellationToken)
    {
        if (uri?.StartsWith(VisionImages.UriPrefix, StringComparison.Ordinal) != true)
            throw new McpProtocolException($"Resources of this server begin with {VisionImages.UriPrefix}.", McpErrorCode.ResourceNotFound);
        try
        {
            var bytes = await images.ReadAsync(uri, cancellationToken).ConfigureAwait(false);
            return new ReadResourceResult { Contents = [BlobResourceContents.FromBytes(bytes, uri, ImageSniffer.Sniff(bytes.Span))] };
        }
        catch (ImageAccessDeniedException e)
        {
            throw new McpProtocolException(e.Message, e, McpErrorCode.ResourceNotFound);
        }
    }

    private static string? MediaType(string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".png" => "image/png",
        ".jpg" or ".jpeg" => "image/jpeg",
        ".webp" => "image/webp",
        ".gif" => "image/gif",
        ".bmp" => "image/bmp",
        _ => null,
    };
}
