namespace D2Pruner.AI.Evaluation.Data;

/// <summary>How good an answer is.</summary>
/// <param name="Value">0..1; for boxes 1 from IoU 0.5 on.</param>
/// <param name="Iou">IoU of a box; null for other answers.</param>
/// <param name="IsParsed">Whether the official parser found an answer in the text at all.</param>
public readonly record struct SampleScore(double Value, double? Iou = null, bool IsParsed = true);
