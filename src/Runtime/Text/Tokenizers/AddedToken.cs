namespace D2Pruner.AI.Runtime.Text;

/// <summary>A token that is found in the text before the model looks at it.</summary>
internal sealed record AddedToken(int Id, string Content, bool Special)
{
    /// <summary>Whether it means more than its characters: special tokens, and those written like tags. Others (runs of spaces,
    /// whole words) are text everywhere.</summary>
    public bool IsControl => Special || (Content.Length > 1 && Content[0] is '<' or '[' && Content[^1] is '>' or ']');

    /// <summary>Takes the white space on its left.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Takes the white space on its right.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Looked for in the normalised text (with its content normalised too) instead of the raw one.</summary>
    public bool Normalized { get; init; }

    /// <summary>Not found inside a word.</summary>
    public bool SingleWord { get; init; }
}
