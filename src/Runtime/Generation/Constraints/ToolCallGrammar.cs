using System.Text;
using D2Pruner.AI.Runtime.Generation.Constraints.Json;
using D2Pruner.AI.Runtime.Text;

namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>Answers with tool calls in the form of Qwen2.5: <c>&lt;tool_call&gt;\n{"name": ..., "arguments":
/// {...}}\n&lt;/tool_call&gt;</c>, one after the other.</summary>
internal sealed class ToolCallGrammar(GrammarBuilder builder, JsonGrammar json, AnswerShape shape, List<string> relaxed)
{
    public const string Begin = "<tool_call>";
    public const string End = "</tool_call>";

    /// <summary>The whole answer.</summary>
    /// <param name="answer">What an answer without calls must look like; null for any text.</param>
    public GrammarNode Root(GrammarNode? answer)
    {
        if (shape.ToolCalls == ToolCallRule.Forbidden)
        {
            if (answer is not null) return answer;
            var silent = builder.Until(Begin);
            silent.After = builder.Never();
            return silent;
        }

        // What follows the opening mark, each call once.
        var call = builder.Choice([.. shape.Tools.Select(Call)]);
        if (shape.ToolCalls == ToolCallRule.Required || answer is not null)
        {
            var first = builder.Sequence(builder.Literal(Begin), call);
            var calls = shape.SeveralCalls
                ? builder.Sequence(first, builder.Repeat(builder.Sequence(builder.Literal("\n" + Begin), call), 0, -1)) : first;
            return shape.ToolCalls == ToolCallRule.Required ? calls : builder.Choice(answer!, calls);
        }

        var text = builder.Until(Begin);
        text.After = shape.SeveralCalls
            ? builder.Sequence(call, builder.Repeat(builder.Sequence(builder.Literal("\n" + Begin), call), 0, -1))
            : call;
        return text;
    }

    private GrammarNode Call(ChatTool tool)
    {
        var text = string.IsNullOrWhiteSpace(tool.ParametersJson) ? "{}" : tool.ParametersJson;
        var parameters = SchemaDocument.Read(Encoding.UTF8.GetBytes(text), $"The parameters of the tool '{tool.Name}'");
        var where = $"tool '{tool.Name}' #";
        var arguments = new SchemaCompiler(builder, json, parameters, shape.Strict, relaxed, where) { RootIsObject = true }.Compile();
        Grammar.RequirePossible(builder, arguments, $"The schema of the tool '{tool.Name}'");
        return builder.Sequence(
            builder.Literal("\n{\"name\": " + PythonJson.Quote(tool.Name) + ", \"arguments\": "), arguments, builder.Literal("}\n" + End));
    }
}
