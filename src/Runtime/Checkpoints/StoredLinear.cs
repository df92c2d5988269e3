using TorchSharp;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>The weight and bias of a linear map as a source has them; the source owns both.</summary>
/// <param name="Weight">[outputs, inputs].</param>
/// <param name="Bias">[outputs], or null.</param>
public sealed record StoredLinear(torch.Tensor Weight, torch.Tensor? Bias);
