using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>What an evaluation runs.</summary>
public sealed record EvaluationOptions
{
    /// <summary>The rule that the presets put in force.</summary>
    public const string DefaultMethod = "default";

    /// <summary>The model.</summary>
    public required VisionModelOptions Model { get; init; }

    /// <summary>The data sets.</summary>
    public required IReadOnlyList<EvaluationData> Data { get; init; }

    /// <summary>Methods by name; differences are taken to <c>d2pruner</c> where it is among them.</summary>
    public IReadOnlyList<string> Methods { get; init; } = DefaultMethods;

    /// <summary>Methods, of those above, to which differences are taken besides <c>d2pruner</c>.</summary>
    public IReadOnlyList<string> Against { get; init; } = [];

    /// <summary>Budgets: visual tokens kept of an image.</summary>
    public IReadOnlyList<int> Keep { get; init; } = [192, 128, 64];

    /// <summary>Depths K.</summary>
    public IReadOnlyList<int> Layers { get; init; } = [2];

    /// <summary>Folder of the results; a run in it with the same data and model goes on where it stopped.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Seed of the data's sampling and of the bootstrap.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Resamples of the bootstrap.</summary>
    public int Resamples { get; init; } = 10_000;

    /// <summary>Images that are asked about at the same time, at least 1: each worker holds a model of its own, over the same mapped
    /// weights. Answers are the same; measured times are those of a shared machine.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Draw plots and kept-token images.</summary>
    public bool Draw { get; init; } = true;

    /// <summary>What is run where nothing is named: the controls are among them.</summary>
    internal static IReadOnlyList<string> DefaultMethods { get; } =
        [DefaultMethod, "d2pruner", "fastv", "dart", "divprune", "random", "stride", "pool2x2", "pool3x3"];

    /// <summary>All conditions, unpruned first.</summary>
    internal IEnumerable<Condition> Conditions =>
        Methods.SelectMany(m => Layers.SelectMany(k => Keep.Select(n => new Condition(m, k, n)))).Prepend(Condition.Unpruned);
}
