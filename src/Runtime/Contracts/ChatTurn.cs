namespace D2Pruner.AI.Runtime;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c>, or <c>tool</c> where the model's template has tools.</param>
/// <param name="Parts">Text and images in order; may be empty.</param>
public sealed record ChatTurn(string Role, IReadOnlyList<ChatPart> Parts)
{
    /// <summary>All text parts joined.</summary>
    public string Text => string.Concat(Parts.OfType<TextPart>().Select(p => p.Text));
}
