using System.Text.Json;

namespace D2Pruner.AI.Runtime.Generation.Constraints;

/// <summary>What an answer must look like; the specification of a <see cref="Grammar"/>.</summary>
internal sealed record AnswerShape
{
    /// <summary>The answer is a JSON object or array, of any content where <see cref="Schema"/> is null.</summary>
    public bool Json { get; init; }

    /// <summary>JSON schema of the answer; null for none.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>Tools that may be called; empty for none.</summary>
    public IReadOnlyList<ChatTool> Tools { get; init; } = [];

    /// <summary>Whether they may or must be called.</summary>
    public ToolCallRule ToolCalls { get; init; }

    /// <summary>Whether one answer may hold several calls.</summary>
    public bool SeveralCalls { get; init; } = true;

    /// <summary>True refuses schemas that say more than a grammar can enforce; false relaxes them and notes it in
    /// <see cref="AnswerGrammar.Relaxed"/>.</summary>
    public bool Strict { get; init; }
}
