namespace D2Pruner.AI.Runtime;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Parts">Text and pictures in order; may be empty.</param>
public sealed record ChatTurn(string Role, IReadOnlyList<ChatPart> Parts)
{
    /// <summary>All text parts joined.</summary>
    public string Text => string.Concat(Parts.OfType<TextPart>().Select(p => p.Text));
}

/// <summary>A piece of a turn.</summary>
public abstract record ChatPart;

/// <summary>Text.</summary>
/// <param name="Text">The text.</param>
public sealed record TextPart(string Text) : ChatPart;

/// <summary>A picture, encoded.</summary>
/// <param name="Bytes">The file's bytes.</param>
public sealed record ImagePart(ReadOnlyMemory<byte> Bytes) : ChatPart
{
    /// <summary>Keep this share of the picture's tokens instead of the request's.</summary>
    public double? KeepRatio { get; init; }

    /// <summary>Keep this many of the picture's tokens instead of the request's share.</summary>
    public int? KeepTokens { get; init; }

    /// <summary>Prune nothing of this picture.</summary>
    public bool KeepAll { get; init; }
}
