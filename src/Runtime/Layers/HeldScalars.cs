using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Layers;

/// <summary>
/// Sums whose TorchSharp scalars stay alive. <c>a + b</c> and <c>a + 0.1</c> make a Scalar in passing (the second one two), which the
/// garbage collector may finalize while libtorch still reads it: measured once in 14 000 sums under constant collections,
/// as a native exception or a wrong number.
/// </summary>
internal static class HeldScalars
{
    private static readonly Scalar One = 1;

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, double b)
    {
        using Scalar held = b;
        return a.add(held, One);
    }

    /// <summary>Adds b to a, in place.</summary>
    /// <returns>a itself.</returns>
    public static Tensor PlusInPlace(this Tensor a, Tensor b) => a.add_(b, One);

    /// <summary>Adds b to a, in place.</summary>
    /// <returns>a itself.</returns>
    public static Tensor PlusInPlace(this Tensor a, double b)
    {
        using Scalar held = b;
        return a.add_(held, One);
    }

    /// <summary>a b.</summary>
    public static Tensor Times(this Tensor a, double b)
    {
        using Scalar held = b;
        return a.mul(held);
    }

    /// <summary>a / b.</summary>
    public static Tensor Over(this Tensor a, double b)
    {
        using Scalar held = b;
        return a.div(held);
    }

    /// <summary>A tensor of one value, fp32.</summary>
    public static Tensor Filled(long[] shape, double value, Device? device = null)
    {
        using Scalar held = value;
        return full(shape, held, ScalarType.Float32, device);
    }
}
