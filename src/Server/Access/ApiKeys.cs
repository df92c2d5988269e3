using System.Security.Cryptography;
using System.Text;
using D2Pruner.AI.Runtime.Checkpoints;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Server;

/// <summary>The keys that callers may present. Only their hashes are kept, and every comparison takes the same time.</summary>
internal sealed class ApiKeys
{
    private const int LongestKey = 4096;
    private readonly byte[][] _hashes;

    public ApiKeys(IOptions<D2PrunerServerOptions> options)
    {
        var keys = options.Value.ApiKeys.Select(k => k.Trim()).ToList();
        if (options.Value.ApiKeyFile is { Length: > 0 } file) keys.AddRange(Read(file));
        _hashes = [.. keys.Distinct(StringComparer.Ordinal).Select(k => SHA256.HashData(Encoding.UTF8.GetBytes(k)))];
    }

    /// <summary>Whether keys are asked for at all.</summary>
    public bool Any => _hashes.Length > 0;

    /// <summary>Number of the presented key, or -1.</summary>
    public int Find(string presented)
    {
        if (presented.Length > LongestKey) return -1;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(presented), hash);
        var found = -1;
        // All of them, whichever fits: the time tells nothing.
        for (var i = 0; i < _hashes.Length; i++) if (CryptographicOperations.FixedTimeEquals(hash, _hashes[i])) found = i;
        return found;
    }

    private static List<string> Read(string file)
    {
        List<string> keys = [.. RegularFile.ReadLines(file).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')];
        // An empty file would open the server where its operator meant to close it.
        return keys.Count > 0 ? keys
            : throw new InvalidOperationException($"The key file '{file}' holds no key; write one a line, or leave the option out.");
    }
}
