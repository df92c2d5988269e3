namespace D2Pruner.AI.Runtime.Text;

/// <summary>Templates' prompts as plain text: for comparison with a reference and for people, not for tokenizing.</summary>
internal static class ChatTemplateExtensions
{
    /// <summary>The text of a conversation's prompt.</summary>
    /// <param name="template">The template.</param>
    /// <param name="turns">The turns, oldest first.</param>
    /// <param name="addGenerationPrompt">End with what makes the assistant answer, where the template has such an ending.</param>
    /// <exception cref="PromptException">A role or part has no place in this template.</exception>
    public static string Render(this IChatTemplate template, IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        ArgumentNullException.ThrowIfNull(template);
        return template.Write(turns, addGenerationPrompt).Text;
    }

    /// <summary>The text of a prompt with tools.</summary>
    /// <param name="template">The template.</param>
    /// <param name="turns">The turns, oldest first.</param>
    /// <param name="tools">The tools on offer.</param>
    /// <param name="addGenerationPrompt">End with what makes the assistant answer.</param>
    /// <exception cref="PromptException">As for the plain form; or a tool's or call's JSON is not an object.</exception>
    public static string Render(
        this IToolChatTemplate template, IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools, bool addGenerationPrompt = true)
    {
        ArgumentNullException.ThrowIfNull(template);
        return template.Write(turns, tools, addGenerationPrompt).Text;
    }
}
