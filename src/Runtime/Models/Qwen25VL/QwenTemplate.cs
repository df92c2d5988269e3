using D2Pruner.AI.Runtime.Text;
using System.Text;

namespace D2Pruner.AI.Runtime.Models.Qwen25VL;

/// <summary>
/// The template of Qwen2.5-VL: ChatML with a default system turn, pictures in place. Tools, which its file lacks, are written as
/// in the template of Qwen2.5's language model.
/// </summary>
public sealed class QwenTemplate : IToolChatTemplate
{
    private const string DefaultSystem = "You are a helpful assistant.";
    private const string End = "<|im_end|>\n";

    private static readonly string[] Literals = ["<|image_pad|>", "<|video_pad|>"];

    /// <inheritdoc/>
    public string Name => "qwen2.5-vl";

    /// <inheritdoc/>
    public string ImagePlaceholder => "<|image_pad|>";

    /// <inheritdoc/>
    public IReadOnlyList<string> KnownHashes { get; } = ["6c7cd0c8f7197e04fa5ec8c153942482a50cb56ee3b405042c8382a90d0754aa"];

    /// <inheritdoc/>
    public string Render(IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt = true) => Render(turns, [], addGenerationPrompt);

    /// <inheritdoc/>
    public string Render(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools, bool addGenerationPrompt = true)
    {
        TemplateRules.Check(turns, this, Literals);
        ArgumentNullException.ThrowIfNull(tools);
        var text = new StringBuilder();
        var first = 0;
        var hasSystem = turns is [{ Role: "system" }, ..];
        if (tools.Count > 0 || !hasSystem)
        {
            text.Append("<|im_start|>system\n");
            if (hasSystem) AppendContent(text, turns[first++]);
            else text.Append(DefaultSystem);
            if (tools.Count > 0) AppendTools(text, tools);
            text.Append(End);
        }

        for (var i = first; i < turns.Count; i++)
        {
            if (turns[i].Role == "tool")
            {
                // Results that follow each other share one turn of the user's.
                if (i == first || turns[i - 1].Role != "tool") text.Append("<|im_start|>user");
                AppendResults(text, turns[i]);
                if (i + 1 == turns.Count || turns[i + 1].Role != "tool") text.Append(End);
            }
            else if (turns[i].Parts.Any(p => p is ToolCallPart))
            {
                AppendCalls(text, turns[i]);
            }
            else
            {
                text.Append("<|im_start|>").Append(turns[i].Role).Append('\n');
                AppendContent(text, turns[i]);
                text.Append(End);
            }
        }

        if (addGenerationPrompt) text.Append("<|im_start|>assistant\n");
        return TemplateRules.Finish(text.ToString(), turns, this);
    }

    private void AppendContent(StringBuilder text, ChatTurn turn)
    {
        foreach (var part in turn.Parts)
        {
            if (part is ImagePart) text.Append("<|vision_start|>").Append(ImagePlaceholder).Append("<|vision_end|>");
            else if (part is TextPart t) text.Append(t.Text);
        }
    }

    private static void AppendTools(StringBuilder text, IReadOnlyList<ChatTool> tools)
    {
        text.Append("\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>");
        foreach (var tool in tools)
        {
            text.Append("\n{\"type\": \"function\", \"function\": {\"name\": ").Append(PythonJson.Quote(tool.Name));
            if (tool.Description is { } description) text.Append(", \"description\": ").Append(PythonJson.Quote(description));
            text.Append(", \"parameters\": ").Append(PythonJson.Object(tool.ParametersJson, $"the parameters of the tool '{tool.Name}'")).Append("}}");
        }

        text.Append(
            "\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>");
    }

    private void AppendCalls(StringBuilder text, ChatTurn turn)
    {
        text.Append("<|im_start|>assistant");
        if (turn.Parts.Any(p => p is ImagePart or TextPart { Text.Length: > 0 })) AppendContent(text.Append('\n'), turn);
        foreach (var call in turn.Parts.OfType<ToolCallPart>())
        {
            text.Append("\n<tool_call>\n{\"name\": ").Append(PythonJson.Quote(call.Name)).Append(", \"arguments\": ")
                .Append(PythonJson.Object(call.ArgumentsJson, $"the arguments of the call of '{call.Name}'")).Append("}\n</tool_call>");
        }

        text.Append(End);
    }

    // A turn of several results is as many responses; a tool turn of plain content is one.
    private void AppendResults(StringBuilder text, ChatTurn turn)
    {
        foreach (var result in turn.Parts.OfType<ToolResultPart>()) text.Append("\n<tool_response>\n").Append(result.Content).Append("\n</tool_response>");
        if (turn.Parts.Any(p => p is ToolResultPart) && !turn.Parts.Any(p => p is ImagePart or TextPart)) return;
        AppendContent(text.Append("\n<tool_response>\n"), turn);
        text.Append("\n</tool_response>");
    }
}
