using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Imaging;
using TorchSharp;

namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>What a vision tower makes of one picture.</summary>
/// <param name="Features">What stands at the picture's placeholder positions, separators included, [tokens, D] in the model's type.</param>
/// <param name="ClsAttention">CLS attention to the candidates in layout order, mean over heads, [V]; null where not asked for or the tower has no CLS token.</param>
public sealed record VisionOutput(torch.Tensor Features, float[]? ClsAttention);

/// <summary>A family's vision tower with its projector.</summary>
public interface IVisionTower
{
    /// <summary>Encodes one picture.</summary>
    /// <param name="image">The processed picture.</param>
    /// <param name="clsAttention">Also return CLS attention, where there is one.</param>
    /// <param name="cancellationToken">Observed between blocks.</param>
    VisionOutput Encode(ProcessedImage image, bool clsAttention, CancellationToken cancellationToken);
}
