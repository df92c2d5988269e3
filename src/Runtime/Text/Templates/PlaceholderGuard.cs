namespace D2Pruner.AI.Runtime.Text;

/// <summary>
/// The rule for literals such as <c>&lt;image&gt;</c> in what people write: they are refused, by name. They cannot be told from the
/// placeholders that a template writes for pictures, and rewriting them would change the question silently.
/// </summary>
public static class PlaceholderGuard
{
    /// <summary>Checks every text of a conversation.</summary>
    /// <param name="turns">The turns.</param>
    /// <param name="literals">What must not stand in them.</param>
    /// <exception cref="PromptException">A text, tool call or tool result contains one; the message names it and the turn.</exception>
    public static void CheckTurns(IReadOnlyList<ChatTurn> turns, IReadOnlyList<string> literals)
    {
        for (var i = 0; i < turns.Count; i++)
        {
            foreach (var part in turns[i].Parts)
            {
                var text = part switch
                {
                    TextPart t => t.Text,
                    ToolCallPart c => c.Name + " " + c.ArgumentsJson,
                    ToolResultPart r => r.Content,
                    _ => "",
                };
                foreach (var literal in literals)
                {
                    if (text.Contains(literal, StringComparison.Ordinal)) throw Refusal($"Message {i + 1} ({turns[i].Role})", literal);
                }
            }
        }
    }

    /// <summary>Checks a rendered prompt: as many placeholders as pictures (a literal may be spread over neighbouring parts, or stand in a tool).</summary>
    /// <param name="rendered">The rendered prompt.</param>
    /// <param name="placeholder">The placeholder.</param>
    /// <param name="images">Number of pictures.</param>
    /// <exception cref="PromptException">The numbers differ.</exception>
    public static void CheckRendered(string rendered, string placeholder, int images)
    {
        var found = 0;
        for (var at = 0; (at = rendered.IndexOf(placeholder, at, StringComparison.Ordinal)) >= 0; at += placeholder.Length) found++;
        if (found != images) throw Refusal($"The prompt with {images} picture(s) and {found} placeholder(s)", placeholder);
    }

    private static PromptException Refusal(string where, string literal) =>
        new($"{where} contains the literal '{literal}', which the model reads as a picture's place. Remove it or write it differently; pictures are given as image content.");
}
