namespace D2Pruner.AI.Runtime.Text;

/// <summary>Text to ids and back, exactly as the model's own tokenizer. Safe for concurrent use.</summary>
internal interface ITokenizer
{
    /// <summary>Number of ids, added tokens included (the largest id plus one). A model's embedding may have more rows.</summary>
    int VocabularySize { get; }

    /// <summary>Id of the token that begins a text, or null.</summary>
    int? BosId { get; }

    /// <summary>Id of the token that ends a text, or null.</summary>
    int? EosId { get; }

    /// <summary>Id of the padding token, or null.</summary>
    int? PadId { get; }

    /// <summary>Encodes text; added tokens in it become their ids.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Add what the post-processor adds (a BOS).</param>
    int[] Encode(string text, bool addSpecialTokens = true);

    /// <summary>
    /// Encodes a prompt: as its plain text, except that control tokens (special ones, and others that are written like
    /// tags) come from the template's text alone.
    /// What a message spells stays text, so that nobody can end a turn or begin another.
    /// </summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="addSpecialTokens">Add what the post-processor adds (a BOS).</param>
    int[] Encode(PromptText prompt, bool addSpecialTokens = true);

    /// <summary>Decodes ids; ids beyond the vocabulary decode to nothing.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Leave special tokens out.</param>
    string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true);

    /// <summary>A decoder that takes one id at a time; its pieces joined equal <see cref="Decode"/>.</summary>
    /// <param name="skipSpecialTokens">Leave special tokens out.</param>
    IIncrementalDecoder CreateDecoder(bool skipSpecialTokens = true);

    /// <summary>Id of a token's exact text, or null.</summary>
    int? TokenToId(string token);

    /// <summary>A token's text in the vocabulary (not decoded: <c>▁the</c>, <c>Ġthe</c>, <c>&lt;0x0A&gt;</c>), or null.</summary>
    string? IdToToken(int id);

    /// <summary>Whether an id is a special token.</summary>
    bool IsSpecial(int id);

    /// <summary>
    /// The bytes of UTF-8 that a token adds to the answer, possibly part of a character; null for special tokens and unknown
    /// ids, which add none. A space that the decoder strips at the very start of a text is included.
    /// </summary>
    byte[]? TokenBytes(int id);
}
