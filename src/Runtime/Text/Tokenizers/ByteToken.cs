using System.Globalization;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>Byte tokens <c>&lt;0x00&gt;</c>..<c>&lt;0xFF&gt;</c> of SentencePiece vocabularies.</summary>
internal static class ByteToken
{
    public static byte? Find(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b)
            ? b
            : null;

    public static string Name(byte b) => $"<0x{b:X2}>";
}
