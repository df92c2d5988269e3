using D2Pruner.AI.Runtime.Imaging;
using TorchSharp;

namespace D2Pruner.AI.Conformance;

/// <summary>The picture tensors in the shapes that each family's reference processor returns; the family shows
/// in what a picture's plan holds.</summary>
internal static class PictureTensors
{
    public static void Add(SortedDictionary<string, Blob> tensors, IReadOnlyList<ProcessedImage> images, torch.Tensor[] features)
    {
        using var all = torch.cat(features, 0);
        tensors["vision_features"] = Blob.Of(ToFloats(all), all.shape);
        if (images[0].GridThw is not null) Patches(tensors, images);
        else if (images[0].Tiles is not null) Tiles(tensors, images);
        else if (images[0].BestResolution is not null) PaddedTiles(tensors, images);
        else Squares(tensors, images);
    }

    // Qwen2.5-VL: pictures of any size, patches one after the other.
    private static void Patches(SortedDictionary<string, Blob> tensors, IReadOnlyList<ProcessedImage> images)
    {
        for (var k = 0; k < images.Count; k++) tensors[$"resized.{k}"] = Blob.Of(images[k].Resized, Longs(images[k].ResizedShape));
        tensors["pixel_values"] =
            Blob.Of([.. images.SelectMany(i => i.Pixels)], images.Sum(i => (long)i.PixelShape[0]), images[0].PixelShape[1]);
        tensors["image_grid_thw"] = Blob.Of([.. images.SelectMany(i => i.GridThw!).Select(v => (long)v)], images.Count, 3);
    }

    // InternVL: the tiles of all pictures one after the other.
    private static void Tiles(SortedDictionary<string, Blob> tensors, IReadOnlyList<ProcessedImage> images)
    {
        var tile = images[0].ResizedShape[^3..];
        long count = images.Sum(i => (long)i.PixelShape[0]);
        tensors["resized"] = Blob.Of([.. images.SelectMany(i => i.Resized)], [count, .. Longs(tile)]);
        tensors["pixel_values"] = Blob.Of([.. images.SelectMany(i => i.Pixels)], [count, .. Longs(images[0].PixelShape[1..])]);
        tensors["tiles"] = Blob.Of([.. images.SelectMany(i => new long[] { i.Tiles!.Value.Columns, i.Tiles.Value.Rows })], images.Count, 2);
    }

    // LLaVA-NeXT: a picture with fewer tiles than the largest is filled up with zeros.
    private static void PaddedTiles(SortedDictionary<string, Blob> tensors, IReadOnlyList<ProcessedImage> images)
    {
        var most = images.Max(i => i.PixelShape[0]);
        long[] shape = [images.Count, most, .. Longs(images[0].PixelShape[1..])];
        tensors["resized"] = Blob.Of([.. images.SelectMany(i => Filled(Planes(i), most, i.PixelShape[0]))], shape);
        tensors["pixel_values"] = Blob.Of([.. images.SelectMany(i => Filled(i.Pixels, most, i.PixelShape[0]))], shape);
        tensors["image_sizes"] = Blob.Of([.. images.SelectMany(i => new long[] { i.OriginalHeight, i.OriginalWidth })], images.Count, 2);
    }

    // LLaVA-1.5: one square a picture.
    private static void Squares(SortedDictionary<string, Blob> tensors, IReadOnlyList<ProcessedImage> images)
    {
        long[] shape = [images.Count, .. Longs(images[0].PixelShape[1..])];
        tensors["resized"] = Blob.Of([.. images.SelectMany(Planes)], shape);
        tensors["pixel_values"] = Blob.Of([.. images.SelectMany(i => i.Pixels)], shape);
    }

    // [tiles, H, W, 3] to [tiles, 3, H, W].
    private static byte[] Planes(ProcessedImage image)
    {
        var plane = image.ResizedShape[^3] * image.ResizedShape[^2];
        var result = new byte[image.Resized.Length];
        for (var i = 0; i < result.Length; i++)
        {
            var (tile, at) = (i / (3 * plane), i % (3 * plane));
            result[tile * 3 * plane + at % 3 * plane + at / 3] = image.Resized[i];
        }

        return result;
    }

    private static T[] Filled<T>(T[] values, int most, int tiles)
    {
        var result = new T[values.Length / tiles * most];
        values.CopyTo(result, 0);
        return result;
    }

    private static long[] Longs(int[] shape) => Array.ConvertAll(shape, d => (long)d);

    private static float[] ToFloats(torch.Tensor t)
    {
        using var f = t.to(torch.ScalarType.Float32, copy: true);
        using var host = f.cpu();
        return [.. host.data<float>()];
    }
}
