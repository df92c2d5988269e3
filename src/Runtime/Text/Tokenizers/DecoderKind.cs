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
