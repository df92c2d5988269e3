using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>
/// The conversation template <c>internvl2_5</c> of InternVL's own repository (conversation.py): a fixed system message unless the
/// conversation brings its own. A single image of a message is its placeholder and a newline, in place; several are each
/// <c>Image-k: </c>, placeholder, newline, with k counted over the conversation's images.
/// </summary>
internal sealed class InternVLRemoteTemplate : IChatTemplate
{
    private const string DefaultSystem = "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。";

    private readonly string _system;

    /// <summary>Creates the template.</summary>
    /// <param name="systemMessage">The configuration's <c>system_message</c>; null takes the template's own.</param>
    public InternVLRemoteTemplate(string? systemMessage = null) => _system = systemMessage ?? DefaultSystem;

    /// <inheritdoc/>
    public string Name => "internvl2_5";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<image>";

    /// <summary>Empty: the repository's code writes the prompt; a template in the folder is the language model's and is not used.</summary>
    public IReadOnlyList<string> KnownHashes => [];

    /// <inheritdoc/>
    public PromptText Write(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this, ["user"]);
        var text = new PromptWriter(InternVLTags.Markup);
        if (turns is not [{ Role: "system" }, ..]) Open(text, "system").Write(_system).Write("<|im_end|>\n");
        var number = 0;
        foreach (var turn in turns)
        {
            Open(text, turn.Role);
            var several = turn.Parts.Count(p => p is ImagePart) > 1;
            foreach (var part in turn.Parts)
            {
                if (part is TextPart t) text.Message(t.Text);
                if (part is not ImagePart) continue;
                number++;
                if (several) text.Write($"Image-{number}: ");
                text.Image(ImagePlaceholder).Write("\n");
            }

            text.Write("<|im_end|>\n");
        }

        if (addGenerationPrompt) Open(text, "assistant");
        return text.ToPrompt();
    }

    private static PromptWriter Open(PromptWriter text, string role) => text.Write($"<|im_start|>{role}\n");
}
