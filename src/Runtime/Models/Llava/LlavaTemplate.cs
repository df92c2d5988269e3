using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>
/// The template of LLaVA-1.5 and of LLaVA-NeXT with Vicuna: <c>USER: </c>, the turn's images each followed by a newline, its
/// texts each followed by a space, then <c>ASSISTANT:</c>. A system turn is its text and a space.
/// </summary>
internal sealed class LlavaTemplate : IChatTemplate
{
    /// <inheritdoc/>
    public string Name => "llava-1.5";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<image>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["2c2987bf0f184a23cb77c028d94943efb742ade369552733efac4be22398904b"];

    /// <inheritdoc/>
    public PromptText Write(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this);
        var text = new PromptWriter();
        foreach (var turn in turns)
        {
            if (turn.Role != "system") text.Write(turn.Role.ToUpperInvariant() + ": ");
            foreach (var _ in turn.Parts.OfType<ImagePart>()) text.Image(ImagePlaceholder).Write("\n");
            foreach (var part in turn.Parts.OfType<TextPart>()) text.Message(part.Text).Write(" ");
        }

        if (addGenerationPrompt) text.Write("ASSISTANT:");
        return text.ToPrompt();
    }
}
