namespace D2Pruner.AI.Evaluation.Data;

/// <summary>How good an answer is.</summary>
/// <param name="Value">0..1; for boxes 1 from IoU 0.5 on.</param>
/// <param name="Iou">IoU of a box; null for other answers.</param>
/// <param name="IsParsed">Whether there is an answer in the text at all; false also where the official parser takes such a text for
/// one.</param>
public readonly record struct SampleScore(double Value, double? Iou = null, bool IsParsed = true);
