namespace D2Pruner.AI.Runtime.Text;

/// <summary>A token that is found in the text before the model looks at it.</summary>
internal sealed record AddedToken(int Id, string Content, bool Special)
{
    /// <summary>Takes the white space on its left.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Takes the white space on its right.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Looked for in the normalised text (with its content normalised too) instead of the raw one.</summary>
    public bool Normalized { get; init; }

    /// <summary>Not found inside a word.</summary>
    public bool SingleWord { get; init; }
}
