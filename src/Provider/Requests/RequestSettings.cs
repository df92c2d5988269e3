using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>What a request's options say, read once and checked; nothing resolved yet.</summary>
internal sealed record RequestSettings
{
    public required GenerationSettings Generation { get; init; }

    /// <summary>Preset the request names, or null.</summary>
    public PruningPreset? Preset { get; init; }

    /// <summary>The request's own overrides.</summary>
    public required VisualPruningOptions Pruning { get; init; }

    public bool IncludeScores { get; init; }

    /// <summary>What may be taken over from earlier requests.</summary>
    public PrefixReuse PrefixReuse { get; init; }

    public string? Instructions { get; init; }

    /// <summary>JSON schema text that the answer should follow, or null.</summary>
    public string? Schema { get; init; }

    /// <summary>What an answer must look like.</summary>
    public AnswerFormat Format { get; init; } = AnswerFormat.Text;

    /// <summary>Tools on offer, or null.</summary>
    public ToolRequest? Tools { get; init; }
}
