using System.Text;

namespace D2Pruner.AI.Runtime.Text;

/// <summary>The template of Qwen2.5-VL: turns between <c>&lt;|im_start|&gt;</c> and <c>&lt;|im_end|&gt;</c>, pictures where they stand, a default system turn.</summary>
public sealed class QwenTemplate : IChatTemplate
{
    /// <inheritdoc/>
    public string Name => "qwen2.5-vl";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<|image_pad|>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["6c7cd0c8f7197e04fa5ec8c153942482a50cb56ee3b405042c8382a90d0754aa"];

    /// <inheritdoc/>
    public string Render(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this, [ImagePlaceholder]);
        var text = new StringBuilder();
        if (turns.Count == 0 || turns[0].Role != "system") text.Append("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n");
        foreach (var turn in turns)
        {
            text.Append("<|im_start|>").Append(turn.Role).Append('\n');
            foreach (var part in turn.Parts)
            {
                if (part is TextPart t) text.Append(t.Text);
                else if (part is ImagePart) text.Append("<|vision_start|>").Append(ImagePlaceholder).Append("<|vision_end|>");
            }

            text.Append("<|im_end|>\n");
        }

        if (addGenerationPrompt) text.Append("<|im_start|>assistant\n");
        return TemplateRules.Finish(text.ToString(), turns, this);
    }
}
