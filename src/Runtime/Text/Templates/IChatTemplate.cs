namespace D2Pruner.AI.Runtime.Text;

/// <summary>Renders turns to the prompt text of a model family. Implementations keep no state.</summary>
internal interface IChatTemplate
{
    /// <summary>Short name, e.g. <c>llava-1.5</c>.</summary>
    string Name { get; }

    /// <summary>Text that stands for one image in the rendered prompt.</summary>
    string ImagePlaceholder { get; }

    /// <summary>
    /// SHA-256 (lower-case hex, of the UTF-8 text) of the template files that this one reproduces. Empty where the family's own
    /// code writes the prompt and no file is consulted.
    /// </summary>
    IReadOnlyList<string> KnownHashes { get; }

    /// <summary>Writes a conversation's prompt, one placeholder per image.</summary>
    /// <param name="turns">The turns, oldest first.</param>
    /// <param name="addGenerationPrompt">End with what makes the assistant answer, where the template has such an ending.</param>
    /// <exception cref="PromptException">A role or part has no place in this template.</exception>
    PromptText Write(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true);
}
