using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Layers;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>The decoder's weights as the CPU decode step reads them: views, not copies.</summary>
internal static class CpuDecoderSource
{
    /// <summary>Whether the step applies, from types and devices alone.</summary>
    public static bool Applies(DecoderConfig c, DecoderWeights w) => c.Activation == "silu"
        && w.Embedding.device_type == TorchSharp.DeviceType.CPU
        && w.Embedding.dtype is ScalarType.BFloat16 or ScalarType.Float32 && w.Embedding.is_contiguous() && w.Head.Kernel is not null
        && w.Layers.All(l => Maps(l).All(m => m.Kernel is not null));

    /// <summary>Makes it, or null where the step does not apply: another device, another activation than
    /// SiLU, a type without kernels.</summary>
    public static CpuDecoder? TryCreate(DecoderConfig c, DecoderWeights w)
    {
        if (!Applies(c, w)) return null;
        var layers = new CpuDecoderLayer[w.Layers.Length];
        for (var i = 0; i < layers.Length; i++)
        {
            var l = w.Layers[i];
            layers[i] = new CpuDecoderLayer
            {
                InputNorm = Numbers(l.InputNorm),
                MlpNorm = Numbers(l.MlpNorm),
                Query = l.Query.Kernel!,
                Key = l.Key.Kernel!,
                Value = l.Value.Kernel!,
                Output = l.Output.Kernel!,
                Gate = l.Gate.Kernel!,
                Up = l.Up.Kernel!,
                Down = l.Down.Kernel!,
            };
        }

        return new CpuDecoder
        {
            HiddenSize = c.HiddenSize,
            IntermediateSize = c.IntermediateSize,
            Heads = c.Heads,
            KvHeads = c.KvHeads,
            HeadDim = c.HeadDim,
            NormEps = (float)c.RmsNormEps,
            Embedding = Table(w.Embedding),
            Layers = layers,
            FinalNorm = Numbers(w.FinalNorm),
            Head = w.Head.Kernel!,
        };
    }

    private static Linear[] Maps(DecoderLayerWeights l) => [l.Query, l.Key, l.Value, l.Output, l.Gate, l.Up, l.Down];

    // Read row by row, it may be larger than a span can hold: the first row tells where it lies.
    private static unsafe KernelMatrix Table(Tensor t)
    {
        using var first = t.narrow(0, 0, 1);
        fixed (byte* p = first.bytes) // native memory: it does not move
            return KernelMatrix.Dense((nint)p, (int)t.shape[0], (int)t.shape[1], t.dtype == ScalarType.BFloat16, 0, t);
    }

    private static float[] Numbers(Tensor t)
    {
        using var f = t.to(ScalarType.Float32);
        return [.. f.data<float>()];
    }
}
