using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;

namespace D2Pruner.AI;

/// <summary>Tools of a request, read and checked.</summary>
/// <param name="Tools">The tools on offer: with a required function, that one alone may be called, but all are shown.</param>
/// <param name="Rule">Whether they may or must be called.</param>
/// <param name="Grammar">What an answer must look like where the tools are in force.</param>
internal sealed record ToolRequest(IReadOnlyList<ChatTool> Tools, ToolCallRule Rule, Grammar Grammar);
