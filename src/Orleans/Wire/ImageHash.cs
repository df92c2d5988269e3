using System.Globalization;
using System.Security.Cryptography;

namespace D2Pruner.AI.Orleans.Wire;

/// <summary>What an image is called in the cluster: the SHA-256 of its bytes, in hexadecimal.</summary>
internal static class ImageHash
{
    public static string Of(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Its first 64 bits, enough to guess at who may hold it.</summary>
    public static ulong Short(string hash) => ulong.Parse(hash.AsSpan(0, 16), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
