using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>How a vocabulary's tokens become text.</summary>
internal enum DecoderKind
{
    /// <summary>Byte-level: all bytes joined; invalid parts become U+FFFD per maximal subpart.</summary>
    ByteLevel,

    /// <summary>Hugging Face's ByteFallback: a run of byte tokens that is not valid as a whole becomes one U+FFFD per byte.</summary>
    ByteFallback,

    /// <summary>SentencePiece itself: inside a byte run valid characters are kept, each invalid byte becomes U+FFFD.</summary>
    SentencePiece,
}

/// <summary>Decodes ids one at a time; text is handed out only when no later id can change it.</summary>
public sealed class IncrementalDecoder
{
    private readonly BpeTokenizer _tokenizer;
    private readonly bool _skipSpecial;
    private readonly System.Text.Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private readonly List<byte> _run = [];
    private bool _atStart = true;

    internal IncrementalDecoder(BpeTokenizer tokenizer, bool skipSpecial) => (_tokenizer, _skipSpecial) = (tokenizer, skipSpecial);

    /// <summary>Feeds an id.</summary>
    /// <returns>Text that is now final; often empty.</returns>
    public string Push(int id)
    {
        if (_tokenizer.IdToToken(id) is not { } token || (_skipSpecial && _tokenizer.IsSpecial(id))) return "";
        if (_tokenizer.Kind == DecoderKind.ByteLevel) return Utf8(ByteLevel.Decode(token), flush: false);
        if (ByteToken.Find(token) is { } b)
        {
            _run.Add(b);
            return "";
        }

        return EndRun() + Start(token.Replace('▁', ' '));
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was still held back.</returns>
    public string Flush() => _tokenizer.Kind == DecoderKind.ByteLevel ? Utf8([], flush: true) : EndRun();

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
            var valid = Rune.DecodeFromUtf8(bytes.AsSpan(i), out var rune, out var n) == System.Buffers.OperationStatus.Done;
            if (!valid && _tokenizer.Kind == DecoderKind.ByteFallback) return Start(new string('\uFFFD', bytes.Length));
            text.Append(valid ? rune.ToString() : "\uFFFD");
            i += valid ? n : 1;
        }

        return Start(text.ToString());
    }

    private string Start(string text)
    {
        if (!_atStart || text.Length == 0) return text;
        _atStart = false;
        return _tokenizer.StripsLeadingSpace && text[0] == ' ' ? text[1..] : text;
    }
}
