using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary>Reads an image that a user names: a file, <c>-</c> for standard input, or, where allowed, an address. What is wrong
/// with it is told with its name.</summary>
internal static class ImageInput
{
    private const int MaxBytes = 64 << 20;

    /// <summary>Description for options that take images.</summary>
    public const string Description = "Image file, - for standard input, or an address with --allow-url";

    /// <exception cref="ArgumentException">It is no image, or an address without leave.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static async Task<DataContent> ReadAsync(string source, bool allowUrl, CancellationToken cancellationToken)
    {
        var bytes = source == "-" ? await StandardInputAsync(cancellationToken)
            : source.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
            || source.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? await AddressAsync(source, allowUrl, cancellationToken)
            : await FileAsync(source, cancellationToken);
        var name = source == "-" ? "Standard input" : $"'{source}'";
        if (bytes.Length == 0) throw new ArgumentException($"{name} is empty; expected an image.");
        try
        {
            ImageDecoder.Decode(bytes);
        }
        catch (ImageDecodeException e)
        {
            throw new ArgumentException($"{name} is no image that can be read: {e.Message}", e);
        }

        return new DataContent(bytes, "application/octet-stream");
    }

    private static async Task<ReadOnlyMemory<byte>> FileAsync(string path, CancellationToken cancellationToken)
    {
        if (Directory.Exists(path)) throw new ArgumentException($"'{path}' is a folder; expected an image file.");
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file '{path}'.");
        return await RegularFile.ReadAllBytesAsync(path, MaxBytes, cancellationToken);
    }

    private static async Task<ReadOnlyMemory<byte>> StandardInputAsync(CancellationToken cancellationToken)
    {
        if (!Console.IsInputRedirected)
            throw new ArgumentException(
                "--image - reads an image from standard input, which is a terminal here; pipe a file into the command.");
        await using var input = Console.OpenStandardInput();
        using var copy = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = await input.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            copy.Write(buffer, 0, read);
            if (copy.Length > MaxBytes)
                throw new ArgumentException($"Standard input holds more than {MaxBytes >> 20} MiB; no image is that large.");
        }

        return copy.ToArray();
    }

    // The user named the host himself, so it may be a private one; redirects stay with it.
    private static async Task<ReadOnlyMemory<byte>> AddressAsync(string source, bool allowUrl, CancellationToken cancellationToken)
    {
        if (!allowUrl) throw new ArgumentException($"'{source}' is an address; add --allow-url to fetch it.");
        if (!Uri.TryCreate(source, UriKind.Absolute, out var uri))
            throw new ArgumentException($"'{source}' is no address that can be read.");
        using var resolver = new AllowListImageResolver(
            new ImageResolverOptions { AllowedHosts = { uri.Host }, AllowPrivateAddresses = true, MaxBytes = MaxBytes });
        try
        {
            return await resolver.ResolveAsync(uri, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"'{source}' cannot be fetched: {e.Message}", e);
        }
    }
}
