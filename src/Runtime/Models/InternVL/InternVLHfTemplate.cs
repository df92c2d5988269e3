using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>The template of InternVL in transformers' own format: ChatML without a default system turn; an image is its
/// placeholder and a newline, in place.</summary>
internal sealed class InternVLHfTemplate : IChatTemplate
{
    /// <inheritdoc/>
    public string Name => "internvl-hf";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<IMG_CONTEXT>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["b3e3fa7cdeceec1d3dfe0d17b77724baf3857714e688f3a700261567e96140eb"];

    /// <inheritdoc/>
    public PromptText Write(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this);
        var text = new PromptWriter(InternVLTags.Markup);
        foreach (var turn in turns)
        {
            text.Write($"<|im_start|>{turn.Role}\n");
            foreach (var part in turn.Parts)
            {
                if (part is ImagePart) text.Image(ImagePlaceholder).Write("\n");
                else if (part is TextPart t) text.Message(t.Text);
            }

            text.Write("<|im_end|>\n");
        }

        if (addGenerationPrompt) text.Write("<|im_start|>assistant\n");
        return text.ToPrompt();
    }
}
