using System.Text;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>The JSON convention for families without a tool format: tools, calls and results written into turns that every
/// template takes (docs/json.md).</summary>
internal static class ToolConventionTurns
{
    /// <summary>Rewrites a conversation.</summary>
    /// <param name="turns">The turns; they may hold calls and results.</param>
    /// <param name="tools">Tools on offer; may be empty.</param>
    public static IReadOnlyList<ChatTurn> Write(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools)
    {
        var result = new List<ChatTurn>(turns.Count + 1);
        for (var i = 0; i < turns.Count; i++)
        {
            var turn = turns[i];
            if (turn.Role == "tool")
            {
                List<ChatPart> parts = [new TextPart("<tool_response>\n"), .. turn.Parts.Select(Plain), new TextPart("\n</tool_response>")];
                // Results that follow each other, and the user's words after them, are one turn:
                // some templates want the roles to alternate.
                if (result is [.., { Role: "user" } last] && i > 0 && turns[i - 1].Role == "tool")
                    result[^1] = last with { Parts = [.. last.Parts, new TextPart("\n"), .. parts] };
                else result.Add(new ChatTurn("user", parts));
            }
            else if (turn.Role == "user" && i > 0 && turns[i - 1].Role == "tool" && result is [.., var before])
            {
                result[^1] = before with { Parts = [.. before.Parts, new TextPart("\n"), .. turn.Parts] };
            }
            else if (turn.Parts.Any(p => p is ToolCallPart))
            {
                result.Add(turn with { Parts = Calls(turn) });
            }
            else
            {
                result.Add(turn);
            }
        }

        return tools.Count == 0 ? result : WithTools(result, tools);
    }

    private static List<ChatPart> Calls(ChatTurn turn)
    {
        var parts = turn.Parts.Where(p => p is not ToolCallPart).ToList();
        var text = new StringBuilder();
        foreach (var call in turn.Parts.OfType<ToolCallPart>())
        {
            if (parts.Count > 0 || text.Length > 0) text.Append('\n');
            text.Append("<tool_call>\n{\"name\": ").Append(CompactJson.Quote(call.Name)).Append(", \"arguments\": ")
                .Append(call.ArgumentsJson).Append("}\n</tool_call>");
        }

        parts.Add(new TextPart(text.ToString()));
        return parts;
    }

    private static IReadOnlyList<ChatTurn> WithTools(List<ChatTurn> turns, IReadOnlyList<ChatTool> tools)
    {
        var text = new StringBuilder("You may call functions to answer. They are:\n");
        foreach (var tool in tools)
        {
            text.Append("{\"name\": ").Append(CompactJson.Quote(tool.Name));
            if (tool.Description is { } description) text.Append(", \"description\": ").Append(CompactJson.Quote(description));
            text.Append(", \"parameters\": ").Append(CompactJson.Rewrite(tool.ParametersJson)).Append("}\n");
        }

        text.Append("To call one, write nothing but\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <arguments as a JSON " +
            "object>}\n</tool_call>\nIts result then comes in <tool_response></tool_response>.");
        if (turns is [{ Role: "system" } first, ..]) turns[0] = first with { Parts = [.. first.Parts, new TextPart("\n\n" + text)] };
        else turns.Insert(0, new ChatTurn("system", [new TextPart(text.ToString())]));
        return turns;
    }

    private static ChatPart Plain(ChatPart part) => part is ToolResultPart result ? new TextPart(result.Content) : part;
}
