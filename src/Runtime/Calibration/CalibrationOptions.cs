namespace D2Pruner.AI.Runtime.Calibration;

/// <summary>How a positional prior is calibrated.</summary>
internal sealed record CalibrationOptions
{
    /// <summary>The generic prompt of the paper's offline stage.</summary>
    public const string GenericPrompt = "Please describe the provided image.";

    /// <summary>Values of K: the attention row of layer K-1 is averaged; each in 1..L.</summary>
    public required IReadOnlyList<int> Layers { get; init; }

    /// <summary>The prompt.</summary>
    public string Prompt { get; init; } = GenericPrompt;

    /// <summary>File that keeps what has been done, so that an interrupted run goes on; null for none.</summary>
    public string? StatePath { get; init; }

    /// <summary>Images between two writes of that file.</summary>
    public int SaveEvery { get; init; } = 20;
}

/// <summary>Where a calibration stands.</summary>
/// <param name="Done">Images done, skipped ones included.</param>
/// <param name="Total">Images in all.</param>
/// <param name="Resumed">Images that an earlier, interrupted run had done.</param>
/// <param name="Problem">Why the last image was skipped; null if it was not.</param>
internal sealed record CalibrationProgress(int Done, int Total, int Resumed, string? Problem);

/// <summary>A calibrated prior and how stable it is.</summary>
/// <param name="Prior">The prior, with provenance.</param>
/// <param name="SplitHalf">Per map, the correlation between the averages over the odd and over the even
/// images; NaN with one image.</param>
/// <param name="Skipped">Images that could not be used, with the reason.</param>
internal sealed record CalibrationResult(
    Pruning.PositionalBiasPrior Prior, IReadOnlyDictionary<(int Layer, string Component), double> SplitHalf, IReadOnlyList<string> Skipped);
