using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Models.Qwen25VL;

/// <summary>
/// The template of Qwen2.5-VL: ChatML with a default system turn, images in place. Tools, which its file lacks, are written as
/// in the template of Qwen2.5's language model.
/// </summary>
internal sealed class QwenTemplate : IToolChatTemplate
{
    private const string DefaultSystem = "You are a helpful assistant.";
    private const string End = "<|im_end|>\n";

    /// <inheritdoc/>
    public string Name => "qwen2.5-vl";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<|image_pad|>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["6c7cd0c8f7197e04fa5ec8c153942482a50cb56ee3b405042c8382a90d0754aa"];

    /// <inheritdoc/>
    public PromptText Write(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true) => Write(turns, [], addGenerationPrompt);

    /// <inheritdoc/>
    public PromptText Write(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this);
        ArgumentNullException.ThrowIfNull(tools);
        var text = new PromptWriter();
        var first = 0;
        var hasSystem = turns is [{ Role: "system" }, ..];
        if (tools.Count > 0 || !hasSystem)
        {
            text.Write("<|im_start|>system\n");
            if (hasSystem) AppendContent(text, turns[first++]);
            else text.Write(DefaultSystem);
            if (tools.Count > 0) AppendTools(text, tools);
            text.Write(End);
        }

        for (var i = first; i < turns.Count; i++)
        {
            if (turns[i].Role == "tool")
            {
                // Results that follow each other share one turn of the user's.
                if (i == first || turns[i - 1].Role != "tool") text.Write("<|im_start|>user");
                AppendResults(text, turns[i]);
                if (i + 1 == turns.Count || turns[i + 1].Role != "tool") text.Write(End);
            }
            else if (turns[i].Parts.Any(p => p is ToolCallPart))
            {
                AppendCalls(text, turns[i]);
            }
            else
            {
                text.Write($"<|im_start|>{turns[i].Role}\n");
                AppendContent(text, turns[i]);
                text.Write(End);
            }
        }

        if (addGenerationPrompt) text.Write("<|im_start|>assistant\n");
        return text.ToPrompt();
    }

    private void AppendContent(PromptWriter text, ChatTurn turn)
    {
        foreach (var part in turn.Parts)
        {
            if (part is ImagePart) text.Write("<|vision_start|>").Image(ImagePlaceholder).Write("<|vision_end|>");
            else if (part is TextPart t) text.Message(t.Text);
        }
    }

    private static void AppendTools(PromptWriter text, IReadOnlyList<ChatTool> tools)
    {
        text.Write("\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function " +
            "signatures within <tools></tools> XML tags:\n<tools>");
        foreach (var tool in tools)
        {
            text.Write("\n{\"type\": \"function\", \"function\": {\"name\": ").Message(PythonJson.Quote(tool.Name));
            if (tool.Description is { } description) text.Write(", \"description\": ").Message(PythonJson.Quote(description));
            text.Write(", \"parameters\": ")
                .Message(PythonJson.Object(tool.ParametersJson, $"the parameters of the tool '{tool.Name}'")).Write("}}");
        }

        text.Write(
            "\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> " +
                "XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>");
    }

    private void AppendCalls(PromptWriter text, ChatTurn turn)
    {
        text.Write("<|im_start|>assistant");
        if (turn.Parts.Any(p => p is ImagePart or TextPart { Text.Length: > 0 })) AppendContent(text.Write("\n"), turn);
        foreach (var call in turn.Parts.OfType<ToolCallPart>())
        {
            text.Write("\n<tool_call>\n{\"name\": ").Message(PythonJson.Quote(call.Name)).Write(", \"arguments\": ")
                .Message(PythonJson.Object(call.ArgumentsJson, $"the arguments of the call of '{call.Name}'")).Write("}\n</tool_call>");
        }

        text.Write(End);
    }

    // A turn of several results is as many responses; a tool turn of plain content is one.
    private void AppendResults(PromptWriter text, ChatTurn turn)
    {
        foreach (var result in turn.Parts.OfType<ToolResultPart>())
            text.Write("\n<tool_response>\n").Message(result.Content).Write("\n</tool_response>");
        if (turn.Parts.Any(p => p is ToolResultPart) && !turn.Parts.Any(p => p is ImagePart or TextPart)) return;
        AppendContent(text.Write("\n<tool_response>\n"), turn);
        text.Write("\n</tool_response>");
    }
}
