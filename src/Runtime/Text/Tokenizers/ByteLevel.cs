using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>GPT-2's table between bytes and printable characters.</summary>
internal static class ByteLevel
{
    private static readonly char[] ToChar = new char[256];
    private static readonly Dictionary<char, byte> ToByte = [];

    static ByteLevel()
    {
        var next = 0;
        for (var b = 0; b < 256; b++)
        {
            var itself = b is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);
            ToChar[b] = itself ? (char)b : (char)(256 + next++);
            ToByte[ToChar[b]] = (byte)b;
        }
    }

    /// <summary>The character that stands for a byte.</summary>
    public static char Encode(byte b) => ToChar[b];

    /// <summary>The text's UTF-8 as characters.</summary>
    public static string Encode(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return string.Create(bytes.Length, bytes, (span, b) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = ToChar[b[i]];
        });
    }

    /// <summary>Bytes of a token; a token with other characters (an added one) gives its UTF-8.</summary>
    public static byte[] Decode(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (!ToByte.TryGetValue(token[i], out bytes[i])) return Encoding.UTF8.GetBytes(token);
        }

        return bytes;
    }
}
