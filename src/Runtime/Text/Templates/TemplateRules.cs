namespace D2Pruner.AI.Runtime.Text;

/// <summary>What all templates demand of their input.</summary>
internal static class TemplateRules
{
    /// <summary>Checks roles, tool parts and places of images.</summary>
    /// <param name="turns">The turns.</param>
    /// <param name="template">The template.</param>
    /// <param name="imagesFrom">Roles that may send images; null for all.</param>
    /// <exception cref="PromptException">Something has no place in the template.</exception>
    public static void Check(IReadOnlyList<ChatTurn> turns, IChatTemplate template, string[]? imagesFrom = null)
    {
        ArgumentNullException.ThrowIfNull(turns);
        var tools = template is IToolChatTemplate;
        for (var i = 0; i < turns.Count; i++)
        {
            var (role, parts) = turns[i];
            if (role is not ("system" or "user" or "assistant") && !(tools && role == "tool"))
                throw new PromptException(
                    $"Message {i + 1} has the role '{role}'; the template {template.Name} knows system, user and " +
                    $"assistant{(tools ? ", and tool" : "")}.");
            foreach (var part in parts)
            {
                switch (part)
                {
                    case ToolCallPart when !tools || role != "assistant":
                        throw new PromptException(
                            $"Message {i + 1} ({role}) has a tool call; " +
                            $"{(tools ? "only assistant messages may have one" : $"the template {template.Name} has no tools")}.");
                    case ToolResultPart when !tools || role != "tool":
                        throw new PromptException(
                            $"Message {i + 1} ({role}) has a tool result; " +
                            $"{(tools ? "only tool messages may have one" : $"the template {template.Name} has no tools")}.");
                    case ImagePart when imagesFrom is not null && !imagesFrom.Contains(role):
                        throw new PromptException(
                            $"Message {i + 1} ({role}) has an image; the template {template.Name} has a place for images in messages " +
                            $"of {string.Join(" and ", imagesFrom)} only.");
                }
            }
        }
    }
}
