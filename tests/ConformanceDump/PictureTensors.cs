using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Imaging;
using TorchSharp;

namespace D2Pruner.AI.Conformance;

/// <summary>The picture tensors in the shapes that each family's reference processor returns.</summary>
internal static class PictureTensors
{
    public static void Add(SortedDictionary<string, Blob> tensors, string family, IReadOnlyList<ProcessedImage> images, torch.Tensor[] features)
    {
        using var all = torch.cat(features, 0);
        tensors["vision_features"] = Blob.Of(ToFloats(all), all.shape);
        if (family != "llava") return;
        var (h, w) = (images[0].ResizedShape[0], images[0].ResizedShape[1]);
        tensors["resized"] = Blob.Of([.. images.SelectMany(i => Planes(i.Resized))], images.Count, 3, h, w);
        tensors["pixel_values"] = Blob.Of([.. images.SelectMany(i => i.Pixels)], images.Count, 3, h, w);
    }

    private static byte[] Planes(byte[] rgb)
    {
        var plane = rgb.Length / 3;
        var result = new byte[rgb.Length];
        for (var i = 0; i < rgb.Length; i++) result[i % 3 * plane + i / 3] = rgb[i];
        return result;
    }

    private static float[] ToFloats(torch.Tensor t)
    {
        using var f = t.to(torch.ScalarType.Float32, copy: true);
        using var host = f.cpu();
        return [.. host.data<float>()];
    }
}
