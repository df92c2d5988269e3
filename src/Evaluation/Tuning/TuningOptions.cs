using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Evaluation.Tuning;

/// <summary>What a tuning looks at.</summary>
public sealed record TuningOptions
{
    /// <summary>The model.</summary>
    public required VisionModelOptions Model { get; init; }

    /// <summary>Image files; what they show should be like what will be asked about.</summary>
    public required IReadOnlyList<string> Images { get; init; }

    /// <summary>The question asked of each.</summary>
    public string Prompt { get; init; } = "Describe this image.";

    /// <summary>Values of K to look at.</summary>
    public IReadOnlyList<int> Layers { get; init; } = [2, 3, 4, 5];

    /// <summary>Budgets as shares of an image's visual tokens.</summary>
    public IReadOnlyList<double> Ratios { get; init; } = [1.0 / 3, 1.0 / 9];

    /// <summary>Edge threshold of the paper's rule.</summary>
    public double Theta { get; init; } = 0.8;
}
