using System.Buffers;
using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <inheritdoc/>
internal sealed class IncrementalDecoder(BpeTokenizer tokenizer, bool skipSpecial) : IIncrementalDecoder
{
    private readonly System.Text.Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private readonly List<byte> _run = [];
    private int _strip = tokenizer.LeadingSpacesToStrip;

    /// <inheritdoc/>
    public string Push(int id)
    {
        // What is not shown is removed before decoding: byte runs on both sides of it join.
        if (tokenizer.IdToToken(id) is not { } token || (skipSpecial && tokenizer.IsSpecial(id))) return "";
        if (tokenizer.Kind == DecoderKind.ByteLevel) return Utf8(ByteLevel.Decode(token), flush: false);
        if (ByteToken.Find(token) is { } b)
        {
            _run.Add(b);
            return "";
        }

        return EndRun() + Strip(token.Replace('▁', ' '));
    }

    /// <inheritdoc/>
    public string Flush() => tokenizer.Kind == DecoderKind.ByteLevel ? Utf8([], flush: true) : EndRun();

    private string Utf8(byte[] bytes, bool flush)
    {
        var chars = new char[_utf8.GetCharCount(bytes, 0, bytes.Length, flush)];
        _utf8.GetChars(bytes, 0, bytes.Length, chars, 0, flush);
        return new string(chars);
    }

    private string EndRun()
    {
        if (_run.Count == 0) return "";
        var bytes = _run.ToArray();
        _run.Clear();
        var text = new StringBuilder();
        for (var i = 0; i < bytes.Length;)
        {
            var valid = Rune.DecodeFromUtf8(bytes.AsSpan(i), out var rune, out var n) == OperationStatus.Done;
            if (!valid && tokenizer.Kind == DecoderKind.ByteFallback) return Strip(new string('\uFFFD', bytes.Length));
            text.Append(valid ? rune.ToString() : "\uFFFD");
            i += valid ? n : 1;
        }

        return Strip(text.ToString());
    }

    // Only at the absolute start of the text; the first other character ends it.
    private string Strip(string text)
    {
        var i = 0;
        for (; _strip > 0 && i < text.Length; i++, _strip--)
        {
            if (text[i] == ' ') continue;
            _strip = 0;
            break;
        }

        return text[i..];
    }
}
