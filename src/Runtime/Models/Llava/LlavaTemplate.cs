using D2Pruner.AI.Runtime.Text;
using System.Text;

namespace D2Pruner.AI.Runtime.Models.Llava;

/// <summary>
/// The template of LLaVA-1.5 and of LLaVA-NeXT with Vicuna: <c>USER: </c>, the turn's pictures each followed by a newline, its
/// texts each followed by a space, then <c>ASSISTANT:</c>. A system turn is its text and a space.
/// </summary>
public sealed class LlavaTemplate : IChatTemplate
{
    /// <inheritdoc/>
    public string Name => "llava-1.5";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<image>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["2c2987bf0f184a23cb77c028d94943efb742ade369552733efac4be22398904b"];

    /// <inheritdoc/>
    public string Render(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this, [ImagePlaceholder]);
        var text = new StringBuilder();
        foreach (var turn in turns)
        {
            if (turn.Role != "system") text.Append(turn.Role.ToUpperInvariant()).Append(": ");
            foreach (var _ in turn.Parts.OfType<ImagePart>()) text.Append(ImagePlaceholder).Append('\n');
            foreach (var part in turn.Parts.OfType<TextPart>()) text.Append(part.Text).Append(' ');
        }

        if (addGenerationPrompt) text.Append("ASSISTANT:");
        return TemplateRules.Finish(text.ToString(), turns, this);
    }
}
