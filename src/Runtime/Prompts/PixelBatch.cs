using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>Pixels of several images as a tower takes them.</summary>
internal static class PixelBatch
{
    /// <summary>Images of one pixel shape, one behind the other along the first axis.</summary>
    /// <param name="images">At least one.</param>
    /// <param name="type">The tower's type.</param>
    /// <param name="device">Its device.</param>
    public static Tensor Of(IReadOnlyList<ProcessedImage> images, ScalarType type, Device device)
    {
        float[] values = images.Count == 1 ? images[0].Pixels : [.. images.SelectMany(i => i.Pixels)];
        long[] shape = [images[0].PixelShape[0] * images.Count, .. images[0].PixelShape.Skip(1).Select(s => (long)s)];
        return tensor(values, shape).MovedTo(device, type);
    }
}
