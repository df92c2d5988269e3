using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>
/// A published method that no served model can run as it is, because it needs whole attention maps, changes the tower or makes new tokens;
/// or the published form of a served one (<c>NAME:official</c>).
/// </summary>
internal sealed record Rival
{
    /// <summary>What the published form of a served method is called behind its name.</summary>
    public const string Official = "official";

    /// <summary>Its name among the methods.</summary>
    public required string Name { get; init; }

    /// <summary>What it does with n, one or two sentences.</summary>
    public required string Summary { get; init; }

    /// <summary>Whether K changes anything.</summary>
    public bool UsesLayer { get; init; }

    /// <summary>Why a model cannot run it under a condition; null where it can.</summary>
    public required Func<VisionLanguageModel, Condition, string?> WhyNot { get; init; }

    /// <summary>Reduces what the tower gives, for n; null for one that works in the decoder.</summary>
    public Func<TowerView, int, InputRows>? Input { get; init; }

    /// <summary>Makes its stages in the decoder; null for one that works before it.</summary>
    public Func<VisionLanguageModel, Condition, IDecoderRival>? Stages { get; init; }

    /// <summary>Learns a table from questions of a run before it can make its stages (<see cref="FitPruneTable"/>); null for most.
    /// </summary>
    public Func<IReadOnlyList<SharedForward>, Condition, int[]>? Fit { get; init; }

    /// <summary>Makes its stages of such a table.</summary>
    public Func<int[], IDecoderRival>? Fitted { get; init; }
}
