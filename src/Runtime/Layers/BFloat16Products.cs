using System.Runtime.Intrinsics.X86;
using D2Pruner.AI.Runtime.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>
/// Which type products over bfloat16 are taken in. On x64 libtorch hands them to oneDNN only where there is AVX-512; elsewhere it
/// multiplies in one plain loop on one thread (docs/log.md). There, blocks are widened to fp32 and the result is rounded once.
/// </summary>
internal static class BFloat16Products
{
    /// <summary>Whether libtorch multiplies bfloat16 fast on this processor; settable for tests and benchmarks.</summary>
    internal static bool AreFast { get; set; } =
        !X86Base.IsSupported || (Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported && Avx512F.VL.IsSupported);

    /// <summary>The type in which a tensor is multiplied.</summary>
    public static ScalarType TypeFor(Tensor x) =>
        x.dtype == ScalarType.BFloat16 && x.device_type == DeviceType.CPU && !AreFast ? ScalarType.Float32 : x.dtype;

    /// <summary>Whether the kernels for few rows take more of them too: where weights would be widened first, they are 1.3 to 5 times as
    /// fast for 20 to 130 rows (a pruned prompt), and as fast at 200 (docs/log.md).</summary>
    /// <param name="x">[..., inputs].</param>
    /// <param name="inputs">Inputs; narrow layers gain nothing.</param>
    public static bool SuitKernels(Tensor x, long inputs) =>
        inputs >= 512 && x.NumberOfElements <= 192 * inputs && Lanes256.IsSupported && TypeFor(x) != x.dtype;

    /// <summary>A convolution without padding whose steps are its kernel's sides, in the type of <paramref name="pixels"/>.</summary>
    /// <param name="pixels">[B, C, H, W].</param>
    /// <param name="weight">[D, C, side, side].</param>
    /// <param name="bias">[D], or null.</param>
    /// <param name="side">Side of a patch.</param>
    public static Tensor Patches(Tensor pixels, Tensor weight, Tensor? bias, long side)
    {
        using var scope = NewDisposeScope();
        var type = TypeFor(pixels);
        using var fullPrecision = FullPrecisionConvolutions.On(pixels.device_type, type);
        var y = nn.functional.conv2d(pixels.to(type), weight.to(type), bias?.to(type), strides: [side, side]);
        return y.to(pixels.dtype).MoveToOuterDisposeScope();
    }
}
