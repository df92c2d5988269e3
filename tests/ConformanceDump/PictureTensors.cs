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
        if (family == "llava_next")
        {
            AddTiles(tensors, images);
            return;
        }

        if (family == "qwen2_5_vl")
        {
            for (var i = 0; i < images.Count; i++) tensors[$"resized.{i}"] = Blob.Of(images[i].Resized, [.. images[i].ResizedShape.Select(d => (long)d)]);
            tensors["pixel_values"] = Blob.Of([.. images.SelectMany(i => i.Pixels)], images.Sum(i => i.PixelShape[0]), images[0].PixelShape[1]);
            tensors["image_grid_thw"] = Blob.Of([.. images.SelectMany(i => i.GridThw!.Select(d => (long)d))], images.Count, 3);
            return;
        }

        if (family != "llava") return;
        var (h, w) = (images[0].ResizedShape[0], images[0].ResizedShape[1]);
        tensors["resized"] = Blob.Of([.. images.SelectMany(i => Planes(i.Resized))], images.Count, 3, h, w);
        tensors["pixel_values"] = Blob.Of([.. images.SelectMany(i => i.Pixels)], images.Count, 3, h, w);
    }

    // [n, tiles, 3, H, W]; tiles that a smaller picture lacks are 0.
    private static void AddTiles(SortedDictionary<string, Blob> tensors, IReadOnlyList<ProcessedImage> images)
    {
        var tiles = images.Max(i => i.PixelShape[0]);
        var (h, w) = (images[0].PixelShape[2], images[0].PixelShape[3]);
        var size = tiles * 3 * h * w;
        var resized = new byte[images.Count * size];
        var pixels = new float[images.Count * size];
        for (var i = 0; i < images.Count; i++)
        {
            images[i].Resized.Chunk(3 * h * w).SelectMany(Planes).ToArray().CopyTo(resized, i * size);
            images[i].Pixels.CopyTo(pixels, i * size);
        }

        tensors["resized"] = Blob.Of(resized, images.Count, tiles, 3, h, w);
        tensors["pixel_values"] = Blob.Of(pixels, images.Count, tiles, 3, h, w);
        tensors["image_sizes"] = Blob.Of([.. images.SelectMany(i => new long[] { i.OriginalHeight, i.OriginalWidth })], images.Count, 2);
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
