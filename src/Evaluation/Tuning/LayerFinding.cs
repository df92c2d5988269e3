namespace D2Pruner.AI.Evaluation.Tuning;

/// <summary>What was measured after K layers, means over the images.</summary>
/// <param name="Layer">K.</param>
/// <param name="EdgeDensity">Share of token pairs more alike than theta.</param>
/// <param name="Fill">Per budget: share of the tokens behind the pivots that the independent set could not
/// give, so that attention filled them.</param>
/// <param name="PriorStrength">Share of the attention's variance that the mean map explains, 0..1; NaN with
/// fewer than two images of one grid.</param>
/// <param name="SplitHalf">Correlation of the mean maps of odd and even images; NaN with fewer than four.</param>
/// <param name="MeanMap">The mean attention map, row-major over the first component of the commonest grid.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Prior">What the model's prior has at the same cells; null where it has no map for this K.</param>
public sealed record LayerFinding(
    int Layer, double EdgeDensity, IReadOnlyList<double> Fill, double PriorStrength, double SplitHalf, IReadOnlyList<float> MeanMap,
        int Rows, int Columns, IReadOnlyList<float>? Prior);
