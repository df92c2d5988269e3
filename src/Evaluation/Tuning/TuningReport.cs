namespace D2Pruner.AI.Evaluation.Tuning;

/// <summary>What a tuning found and suggests.</summary>
/// <param name="Model">The model.</param>
/// <param name="Images">Images that were read.</param>
/// <param name="Skipped">Images that could not be read, with the reason.</param>
/// <param name="Layers">Findings per K.</param>
/// <param name="Method">The suggested method.</param>
/// <param name="LayersBeforePruning">The suggested K.</param>
/// <param name="Theta">The suggested threshold.</param>
/// <param name="UniformPrior">Whether dividing by a prior is not worth it.</param>
/// <param name="Reasons">What the suggestion rests on.</param>
public sealed record TuningReport(
    string Model, int Images, IReadOnlyList<string> Skipped, IReadOnlyList<LayerFinding> Layers, string Method, int LayersBeforePruning,
        double Theta, bool UniformPrior, IReadOnlyList<string> Reasons);
