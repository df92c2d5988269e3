namespace D2Pruner.AI.Runtime.Text;

/// <summary>Text to ids and back, exactly as the model's own tokenizer. Safe for concurrent use.</summary>
public interface ITokenizer
{
    /// <summary>Number of ids, added tokens included (the largest id plus one).</summary>
    int VocabularySize { get; }

    /// <summary>Encodes text; added tokens in it become their ids.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Add what the post-processor adds (a BOS).</param>
    int[] Encode(string text, bool addSpecialTokens = true);

    /// <summary>Decodes ids; ids beyond the vocabulary decode to nothing.</summary>
    string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true);

    /// <summary>A decoder that takes one id at a time; its pieces joined equal <see cref="Decode"/>.</summary>
    IncrementalDecoder CreateDecoder(bool skipSpecialTokens = true);

    /// <summary>Id of a token's exact text, or null.</summary>
    int? TokenToId(string token);

    /// <summary>A token's text in the vocabulary, or null.</summary>
    string? IdToToken(int id);

    /// <summary>Whether an id is a special token.</summary>
    bool IsSpecial(int id);
}
