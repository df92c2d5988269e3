namespace D2Pruner.AI.Runtime.Text;

/// <summary>Everything that a tokenizer's files say, in one form.</summary>
internal sealed class TokenizerModel
{
    public required Dictionary<string, int> Vocabulary { get; init; }

    public required IMergeTable Merges { get; init; }

    public required IReadOnlyList<AddedToken> Added { get; init; }

    /// <summary>Normalises a segment and cuts it into words; the flag says whether it starts the text.</summary>
    public required Func<string, bool, IEnumerable<string>> Split { get; init; }

    public required DecoderKind Decoder { get; init; }

    public bool StripsLeadingSpace { get; init; }

    public bool ByteFallback { get; init; }

    public bool IgnoreMerges { get; init; }

    public bool FuseUnknown { get; init; }

    public int? UnknownId { get; init; }

    /// <summary>Ids put before every text (BOS).</summary>
    public int[] Prefix { get; init; } = [];

    /// <summary>Ids put after every text.</summary>
    public int[] Suffix { get; init; } = [];
}
