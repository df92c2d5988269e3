using System.Text;
using D2Pruner.AI.Runtime.Native;
using Microsoft.Win32.SafeHandles;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>
/// The way to read files here: regular ones alone. A pipe, device, socket or folder under the expected name is refused at once, where
/// opening or reading it might wait for ever. Safe for concurrent use.
/// </summary>
internal static class RegularFile
{
    /// <summary>Most bytes that <see cref="ReadAllBytes"/> reads where its caller names no limit: 1 GiB.</summary>
    public const long DefaultLimit = 1L << 30;

    private const int StreamBuffer = 1 << 16;
    private const int NoEntry = 2;
    private const int NoAccess = 13;
    private const int NotPermitted = 1;
    private const int NotAFolder = 20;

    /// <summary>Opens a file for reading; never waits.</summary>
    /// <param name="path">Its path; links are followed.</param>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">It is no regular file, or cannot be opened.</exception>
    public static SafeFileHandle Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return OperatingSystem.IsLinux() && TryOpenLinux(path) is { } file ? file : OpenElsewhere(path);
    }

    /// <summary>Refuses what is there and no regular file, without opening it: before a file is opened for writing.</summary>
    /// <exception cref="IOException">It is a pipe, device, socket or folder.</exception>
    public static void Check(string path)
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            if (UnixFile.Status(path, out _) is { IsRegular: false } other) throw NotRegular(path, other.Kind);
        }
        catch (EntryPointNotFoundException)
        {
            // A C library from before statx cannot tell.
        }
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="limit">Most bytes.</param>
    /// <exception cref="IOException">It is missing, no regular file, over the limit, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static byte[] ReadAllBytes(string path, long limit = DefaultLimit)
    {
        using var file = Open(path);
        var length = RandomAccess.GetLength(file);
        if (length > limit) throw new IOException($"'{path}' has {length} bytes; at most {limit} are read.");
        var bytes = new byte[length];
        var read = 0;
        for (int n; read < bytes.Length && (n = RandomAccess.Read(file, bytes.AsSpan(read), read)) > 0; read += n)
        {
        }

        return read == bytes.Length ? bytes : bytes[..read];
    }

    /// <summary>Reads a file away from the caller's thread.</summary>
    /// <inheritdoc cref="ReadAllBytes" path="/exception"/>
    /// <param name="path">Its path.</param>
    /// <param name="limit">Most bytes.</param>
    /// <param name="cancellationToken">Observed before and between reads.</param>
    public static async Task<byte[]> ReadAllBytesAsync(
        string path, long limit = DefaultLimit, CancellationToken cancellationToken = default)
    {
        using var file = await Task.Run(() => Open(path), cancellationToken).ConfigureAwait(false);
        var length = RandomAccess.GetLength(file);
        if (length > limit) throw new IOException($"'{path}' has {length} bytes; at most {limit} are read.");
        var bytes = new byte[length];
        var read = 0;
        for (int n; read < bytes.Length
            && (n = await RandomAccess.ReadAsync(file, bytes.AsMemory(read), read, cancellationToken).ConfigureAwait(false)) > 0; read += n)
        {
        }

        return read == bytes.Length ? bytes : bytes[..read];
    }

    /// <summary>Reads a text in UTF-8; a byte order mark is left out.</summary>
    /// <inheritdoc cref="ReadAllBytes"/>
    /// <exception cref="DecoderFallbackException">It is not UTF-8.</exception>
    public static string ReadAllText(string path, long limit = DefaultLimit)
    {
        ReadOnlySpan<byte> bytes = ReadAllBytes(path, limit);
        if (bytes.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
    }

    /// <summary>Opens a file for reading from its beginning on.</summary>
    /// <inheritdoc cref="Open"/>
    public static FileStream OpenStream(string path)
    {
        var file = Open(path);
        try
        {
            return new FileStream(file, FileAccess.Read, StreamBuffer);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the lines of a text in UTF-8, one after the other: for files of any length.</summary>
    /// <inheritdoc cref="Open"/>
    public static IEnumerable<string> ReadLines(string path)
    {
        using var reader = new StreamReader(OpenStream(path));
        while (reader.ReadLine() is { } line) yield return line;
    }

    private static SafeFileHandle? TryOpenLinux(string path)
    {
        try
        {
            // Asked first, because the opening of some devices does something; and again afterwards, because a path may change in between.
            if (UnixFile.Status(path, out var error) is { IsRegular: false } other) throw NotRegular(path, other.Kind);
            var file = error == 0 ? UnixFile.Open(path, out error) : null;
            if (file is null) throw Failed(path, error);
            if (UnixFile.Status(file, out _) is not { IsRegular: false } opened) return file;
            file.Dispose();
            throw NotRegular(path, opened.Kind);
        }
        catch (EntryPointNotFoundException)
        {
            return null; // a C library from before statx
        }
    }

    private static SafeFileHandle OpenElsewhere(string path)
    {
        var info = new FileInfo(path);
        if (!info.Exists)
            throw Directory.Exists(path) ? NotRegular(path, "a folder") : new FileNotFoundException($"There is no file '{path}'.", path);
        // Pipes and devices have no length. Nothing that is read here can be empty.
        if (info.Length == 0 && !OperatingSystem.IsWindows()) throw NotRegular(path, "empty, or no regular file");
        return File.OpenHandle(path);
    }

    private static IOException NotRegular(string path, string kind) => new($"'{path}' is {kind}; expected a regular file.");

    private static Exception Failed(string path, int error) => error switch
    {
        NoEntry or NotAFolder => new FileNotFoundException($"There is no file '{path}'.", path),
        NoAccess or NotPermitted => new UnauthorizedAccessException($"'{path}' may not be read by this user."),
        _ => new IOException($"'{path}' cannot be opened: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)}"),
    };
}
