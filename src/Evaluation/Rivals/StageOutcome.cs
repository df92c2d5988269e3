using TorchSharp;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>What a stage leaves of an image.</summary>
/// <param name="Kept">Of the tokens that were left, those to keep, ascending from 0.</param>
/// <param name="Merged">Tokens made of others, [m, D], which follow the kept ones; null for none. The forward pass disposes it.</param>
internal sealed record StageOutcome(int[] Kept, torch.Tensor? Merged = null);
