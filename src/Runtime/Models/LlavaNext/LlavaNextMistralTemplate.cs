using D2Pruner.AI.Runtime.Text;
using System.Text;

namespace D2Pruner.AI.Runtime.Models.LlavaNext;

/// <summary>
/// The template of LLaVA-NeXT with Mistral: <c>[INST] </c>, the turn's pictures each followed by a newline, its texts, <c> [/INST]</c>.
/// Answers end in the file's literal <c>&lt;\s&gt;</c> (a slip of the published template that the ids keep). It has no ending for the
/// assistant's answer.
/// </summary>
public sealed class LlavaNextMistralTemplate : IChatTemplate
{
    /// <inheritdoc/>
    public string Name => "llava-next-mistral";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<image>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["fa95e2f413a556b0c3a3357dc57cea39240818c75fc58113b33b8f74c1369a23"];

    /// <inheritdoc/>
    public string Render(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this, [ImagePlaceholder], ["user"]);
        var text = new StringBuilder();
        foreach (var turn in turns)
        {
            switch (turn.Role)
            {
                case "system":
                    text.Append("<<SYS>>\n").Append(turn.Text).Append("\n<</SYS>>\n\n");
                    break;
                case "user":
                    text.Append("[INST] ");
                    foreach (var _ in turn.Parts.OfType<ImagePart>()) text.Append(ImagePlaceholder).Append('\n');
                    text.Append(turn.Text).Append(" [/INST]");
                    break;
                default:
                    text.Append(' ').Append(turn.Text).Append("<\\s> ");
                    break;
            }
        }

        return TemplateRules.Finish(text.ToString(), turns, this);
    }
}
