using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Evaluation.Data;

/// <summary>The data sets by name.</summary>
public static class DataSets
{
    /// <summary>The known names.</summary>
    public static IReadOnlyList<string> Names => ["demo"];

    /// <summary>Reads <c>NAME</c> or <c>NAME=PATH</c>.</summary>
    /// <exception cref="ArgumentException">The name is unknown, or needs a path.</exception>
    public static EvaluationData Load(string text, DataRequest request)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(request);
        var name = text.Split('=')[0];
        if (name != "demo") throw new ArgumentException($"Data set '{name}' is unknown; known data sets: {string.Join(", ", Names)}.", nameof(text));
        var split = request.Split.ToLowerInvariant() switch
        {
            "test" => Split.Test,
            "validation" or "val" => Split.Validation,
            _ => throw new ArgumentException($"--split is '{request.Split}'; the demo's scenes have test and validation.", nameof(request)),
        };
        return DemoData.Create(split, request.Seed, request.Limit);
    }

    /// <summary>The wording for a model's family.</summary>
    public static PromptStyle StyleOf(VisionModelOptions model) => PromptStyle.Llava;
}
