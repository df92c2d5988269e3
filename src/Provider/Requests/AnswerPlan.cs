using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>What the engine is asked, once the model is known: turns, tools, grammar, and who reads the answer.</summary>
/// <param name="Turns">The turns, with what the prompt says about the answer's format.</param>
/// <param name="Tools">Tools for the model's own template.</param>
/// <param name="Grammar">What the answer must look like; null for any text.</param>
/// <param name="ReadsCalls">Whether the answer may hold tool calls.</param>
internal sealed record AnswerPlan(IReadOnlyList<ChatTurn> Turns, IReadOnlyList<ChatTool> Tools, Grammar? Grammar, bool ReadsCalls)
{
    /// <summary>Makes the plan.</summary>
    /// <exception cref="NotSupportedException">A call is required, or the conversation holds calls, and the
    /// model's family has no tool format.</exception>
    public static AnswerPlan Create(
        MappedMessages mapped, RequestSettings settings, VisionModelInfo model, D2PrunerChatClientOptions options,
        UnsupportedOptions unsupported)
    {
        var turns = mapped.Turns;
        var byConvention = !model.SupportsTools && options.ToolConvention == ToolConvention.Json;
        var possible = model.SupportsTools || byConvention;
        if (!possible && turns.Any(t => t.Role == "tool" || t.Parts.Any(p => p is ToolCallPart or ToolResultPart)))
            throw RequestField.Mark(new NotSupportedException(
                $"The conversation holds tool calls or results, but models of the family '{model.Family}' have no tool format. {Remedy}"),
                RequestField.Messages);
        if (!possible && settings.Tools?.Rule == ToolCallRule.Required)
            throw RequestField.Mark(new NotSupportedException(
                $"ToolMode requires a tool call, but models of the family '{model.Family}' have no tool format. {Remedy}"),
                nameof(ChatOptions.ToolMode));
        if (!possible && settings.Tools?.Rule == ToolCallRule.Optional)
            unsupported.Ignore("Tools", $"models of the family '{model.Family}' have no tool format; {Remedy}");

        var tools = possible ? settings.Tools : null;
        IReadOnlyList<ChatTool> shown = tools is { Rule: not ToolCallRule.Forbidden } ? tools.Tools : [];
        if (options.DescribeResponseFormat && settings.Format.Description is { } description && tools?.Rule != ToolCallRule.Required)
            turns = Describe(turns, description);
        if (byConvention) turns = ToolConventionTurns.Write(turns, shown);
        return new AnswerPlan(turns, byConvention ? [] : shown, tools?.Grammar ?? settings.Format.Grammar, shown.Count > 0);
    }

    private const string Remedy = "Use a Qwen2.5-VL model, or set ToolConvention = Json in the client's options.";

    // Behind the last question, where models heed it most.
    private static IReadOnlyList<ChatTurn> Describe(IReadOnlyList<ChatTurn> turns, string description)
    {
        List<ChatTurn> result = [.. turns];
        var at = result.FindLastIndex(t => t.Role == "user");
        if (at < 0) result.Add(new ChatTurn("user", [new TextPart(description)]));
        else result[at] = result[
            at] with { Parts = [.. result[at].Parts, new TextPart((result[at].Text.Length > 0 ? "\n\n" : "") + description)] };
        return result;
    }
}
