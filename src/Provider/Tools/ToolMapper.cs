using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>Tools and tool mode of ChatOptions to a tool request.</summary>
internal sealed class ToolMapper(bool strict, UnsupportedOptions unsupported)
{
    /// <summary>Reads and checks.</summary>
    /// <param name="options">The caller's options.</param>
    /// <param name="format">What an answer without calls must look like; what was relaxed in it has been logged.</param>
    /// <returns>Null where no tool is on offer.</returns>
    /// <exception cref="ArgumentException">A call is required of a tool that is not there, names
    /// collide, or a schema is broken.</exception>
    /// <exception cref="NotSupportedException">Strict, and a tool or schema cannot be honoured.</exception>
    public ToolRequest? Map(ChatOptions options, AnswerFormat format)
    {
        var tools = new List<ChatTool>();
        foreach (var tool in options.Tools ?? [])
        {
            if (tool is AIFunctionDeclaration function)
                tools.Add(new ChatTool(function.Name, string.IsNullOrEmpty(function.Description) ? null
                    : function.Description, function.JsonSchema.GetRawText()));
            else
                unsupported.Ignore($"Tool '{tool.Name}' ({tool.GetType().Name})", "a model in this process calls functions only");
        }

        if (tools.GroupBy(t => t.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"Two tools are called '{twice.Key}'; calls could not be told apart. Rename one.", nameof(options));

        var required = options.ToolMode as RequiredChatToolMode;
        var callable = required?.RequiredFunctionName is { } name ? tools.Where(t => t.Name == name).ToList() : tools;
        if (required is not null && callable.Count == 0)
        {
            throw RequestField.Mark(new ArgumentException(
                $"ToolMode requires {(required.RequiredFunctionName is { } n ? $"a call of '{n}'" : "a tool call")}, but Tools holds " +
                    $"{(tools.Count == 0 ? "no function" : string.Join(", ", tools.Select(t => $"'{t.Name}'")))}.",
                nameof(options)), nameof(options.ToolMode));
        }

        if (tools.Count == 0) return null;
        var rule = options.ToolMode switch { NoneChatToolMode => ToolCallRule.Forbidden, RequiredChatToolMode => ToolCallRule.Required,
            _ => ToolCallRule.Optional };
        var grammar = Grammar.Create(
            format.Shape with { Tools = callable, ToolCalls = rule, SeveralCalls = options.AllowMultipleToolCalls ?? true,
                Strict = strict })!;
        unsupported.Relaxed([.. grammar.Relaxed.Except(format.Grammar?.Relaxed ?? [])]);
        return new ToolRequest(tools, rule, grammar);
    }
}
