namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>A map over an image's grid, to draw.</summary>
/// <param name="Title">Lines above it.</param>
/// <param name="Values">Row-major; empty for none.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
internal sealed record MapPanel(IReadOnlyList<string> Title, IReadOnlyList<float> Values, int Rows, int Columns);
