namespace D2Pruner.AI.Runtime.Text;

/// <summary>Everything that a tokenizer's files say, in one form.</summary>
internal sealed class TokenizerModel
{
    /// <summary>Pieces and their ids.</summary>
    public required Dictionary<string, int> Vocabulary { get; init; }

    public required IMergeTable Merges { get; init; }

    public required IReadOnlyList<AddedToken> Added { get; init; }

    /// <summary>Normalises a segment between added tokens.</summary>
    public Func<string, string> Normalize { get; init; } = text => text;

    /// <summary>Cuts a normalised segment into words; the flag says whether it starts the text.</summary>
    public Func<string, bool, IEnumerable<string>> Words { get; init; } = (text, _) => [text];

    public required DecoderKind Decoder { get; init; }

    /// <summary>Spaces that decoding removes at the very start of a text, at most.</summary>
    public int LeadingSpacesToStrip { get; init; }

    /// <summary>Characters outside the vocabulary become byte tokens.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>A word that is a piece is taken as it is.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Neighbouring unknown characters become one token.</summary>
    public bool FuseUnknown { get; init; }

    public int? UnknownId { get; init; }

    /// <summary>Ids put before every text (BOS).</summary>
    public int[] Prefix { get; init; } = [];

    /// <summary>Ids put after every text.</summary>
    public int[] Suffix { get; init; } = [];

    public int? BosId { get; init; }

    public int? EosId { get; init; }

    public int? PadId { get; init; }
}
