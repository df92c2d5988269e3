using D2Pruner.AI.Pruning;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>Rotary position embedding in the half-split form of Llama, one-dimensional or multimodal (Qwen2.5-VL).</summary>
internal static class Rotary
{
    /// <summary>Inverse frequencies theta^(-2j/d), [d/2] fp32.</summary>
    public static Tensor InverseFrequencies(int headDim, double theta, Device device)
    {
        using var scope = NewDisposeScope();
        using Scalar from = 0, to = headDim, step = 2;
        return pow((float)theta, arange(from, to, step, ScalarType.Float32, device).Over(headDim)).reciprocal().MoveToOuterDisposeScope();
    }

    /// <summary>Cosines and sines for positions.</summary>
    /// <param name="positions">One row of N positions, or three (temporal, height, width) for multimodal models.</param>
    /// <param name="inverseFrequencies">[d/2] fp32.</param>
    /// <param name="sections">Channels per row (of d/2); null for one-dimensional positions.</param>
    /// <param name="dtype">Type of the result: the model's.</param>
    /// <returns>Two tensors [N, d].</returns>
    public static (Tensor Cos, Tensor Sin) Table(long[][] positions, Tensor inverseFrequencies, int[]? sections, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var angles = new List<Tensor>();
        if (sections is null || positions.Length == 1)
        {
            angles.Add(Outer(positions[0], inverseFrequencies));
        }
        else
        {
            var start = 0;
            for (var row = 0; row < sections.Length; row++)
            {
                angles.Add(Outer(positions[row], inverseFrequencies).narrow(1, start, sections[row]));
                start += sections[row];
            }
        }

        var half = angles.Count == 1 ? angles[0] : cat(angles, 1);
        var full = cat([half, half], 1);
        return (full.cos().to(dtype).MoveToOuterDisposeScope(), full.sin().to(dtype).MoveToOuterDisposeScope());
    }

    /// <summary>q cos + rotate_half(q) sin, in the type of <paramref name="x"/>.</summary>
    /// <param name="x">[..., N, d].</param>
    /// <param name="cos">[N, d], or [B, 1, N, d] where every sequence has positions of its own.</param>
    /// <param name="sin">As <paramref name="cos"/>.</param>
    public static Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        using var scope = NewDisposeScope();
        var half = cos.shape[^1] / 2;
        var a = x.narrow(-1, 0, half);
        var b = x.narrow(-1, half, half);
        var rotated = cat([-b, a], -1);
        return (x * cos).Plus(rotated * sin).MoveToOuterDisposeScope();
    }

    private static Tensor Outer(long[] positions, Tensor inverseFrequencies)
    {
        var p = tensor(positions).MovedTo(inverseFrequencies.device, ScalarType.Float32);
        return p.unsqueeze(1) * inverseFrequencies.unsqueeze(0);
    }
}
