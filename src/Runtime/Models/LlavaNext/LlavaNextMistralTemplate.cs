using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.LlavaNext;

/// <summary>
/// The template of LLaVA-NeXT with Mistral: <c>[INST] </c>, the turn's images each followed by a newline, its texts, <c> [/INST]</c>.
/// Answers end in the file's literal <c>&lt;\s&gt;</c> (a slip of the published template that the ids keep). It has no ending for the
/// assistant's answer.
/// </summary>
internal sealed class LlavaNextMistralTemplate : IChatTemplate
{
    /// <inheritdoc/>
    public string Name => "llava-next-mistral";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<image>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["fa95e2f413a556b0c3a3357dc57cea39240818c75fc58113b33b8f74c1369a23"];

    /// <inheritdoc/>
    public PromptText Write(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this, ["user"]);
        var text = new PromptWriter();
        foreach (var turn in turns)
        {
            switch (turn.Role)
            {
                case "system":
                    text.Write("<<SYS>>\n").Message(turn.Text).Write("\n<</SYS>>\n\n");
                    break;
                case "user":
                    text.Write("[INST] ");
                    foreach (var _ in turn.Parts.OfType<ImagePart>()) text.Image(ImagePlaceholder).Write("\n");
                    text.Message(turn.Text).Write(" [/INST]");
                    break;
                default:
                    text.Write(" ").Message(turn.Text).Write("<\\s> ");
                    break;
            }
        }

        return text.ToPrompt();
    }
}
