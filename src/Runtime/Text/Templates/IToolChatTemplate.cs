namespace D2Pruner.AI.Runtime.Text;

/// <summary>A template that can offer tools to the model.</summary>
internal interface IToolChatTemplate : IChatTemplate
{
    /// <summary>Writes a conversation's prompt with tools; no tools gives the same text as without.</summary>
    /// <param name="turns">The turns, oldest first.</param>
    /// <param name="tools">The tools on offer.</param>
    /// <param name="addGenerationPrompt">End with what makes the assistant answer.</param>
    /// <exception cref="PromptException">As for the plain form; or a tool's or call's JSON is not an object.</exception>
    PromptText Write(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools, bool addGenerationPrompt = true);
}
