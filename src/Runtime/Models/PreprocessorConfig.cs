using System.Text.Json;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>What preprocessor_config.json of the CLIP-style processors says, with the library's defaults.</summary>
/// <param name="ShortestEdge">Short side after resizing, where the image keeps its shape.</param>
/// <param name="ExactSize">Both sides after resizing, where it does not; else null.</param>
/// <param name="CropSize">Side of the crop.</param>
/// <param name="Mean">Mean per channel.</param>
/// <param name="Normalizer">Rescaling and normalisation.</param>
internal sealed record PreprocessorConfig(
    int ShortestEdge, (int Width, int Height)? ExactSize, int CropSize, double[] Mean, PixelNormalizer Normalizer)
{
    /// <summary>Reads the file.</summary>
    /// <param name="c">The file's reader.</param>
    /// <param name="imageSize">Side that the tower takes, for absent keys.</param>
    public static PreprocessorConfig Read(ConfigReader c, int imageSize)
    {
        var (edge, exact) = Size(c, imageSize);
        var crop = Crop(c, imageSize);
        RequireSteps(c);
        c.Require(c.Bool("do_center_crop", true), "do_center_crop must be true.");
        var mean = Triple(c, "image_mean", [0.48145466, 0.4578275, 0.40821073]);
        var std = Triple(c, "image_std", [0.26862954, 0.26130258, 0.27577711]);
        return new PreprocessorConfig(edge, exact, crop, mean, new PixelNormalizer(mean, std, RescaleFactor(c)));
    }

    /// <summary>Refuses another filter, and steps that are switched off.</summary>
    internal static void RequireSteps(ConfigReader c)
    {
        c.Require(c.Int("resample", 3, 0) == 3, "resample is not 3 (bicubic); other filters are not supported.");
        c.Require(c.Bool("do_resize", true) && c.Bool("do_rescale", true) && c.Bool("do_normalize", true),
            "do_resize, do_rescale and do_normalize must be true.");
    }

    /// <summary>What pixel values are multiplied by.</summary>
    internal static double RescaleFactor(ConfigReader c) => c.Double("rescale_factor", 1 / 255.0, 1e-6, 1e3);

    /// <summary>Three finite numbers; deviations are above 0.</summary>
    public static double[] Triple(ConfigReader c, string key, double[] fallback)
    {
        if (!c.Has(key)) return fallback;
        var value = c.Json.GetProperty(key);
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 3
            && value.EnumerateArray()
            .All(v => v.ValueKind == JsonValueKind.Number && v.TryGetDouble(out var d) && double.IsFinite(d)
                && (key != "image_std" || d > 0)))
            return [.. value.EnumerateArray().Select(v => v.GetDouble())];
        c.Require(false, $"{key} is {value.GetRawText()}; expected three numbers{(key == "image_std" ? " above 0" : "")}.");
        return fallback;
    }

    // As get_size_dict and CLIP's resize: a number or shortest_edge keeps the image's shape, height and width do not.
    private static (int ShortestEdge, (int Width, int Height)? Exact) Size(ConfigReader c, int fallback)
    {
        if (!c.Has("size")) return (fallback, null);
        if (c.Json.GetProperty("size").ValueKind == JsonValueKind.Number) return (Side(c, "size", fallback), null);
        var size = c.Child("size");
        if (size.Has("shortest_edge")) return (Side(size, "shortest_edge", fallback), null);
        size.Require(size.Has("height") && size.Has("width"), "expected shortest_edge, or height and width.");
        return (fallback, (Side(size, "width", fallback), Side(size, "height", fallback)));
    }

    // A number, or {height, width} of equal ones.
    private static int Crop(ConfigReader c, int fallback)
    {
        if (!c.Has("crop_size")) return fallback;
        if (c.Json.GetProperty("crop_size").ValueKind == JsonValueKind.Number) return Side(c, "crop_size", fallback);
        var crop = c.Child("crop_size");
        crop.Require(crop.Has("height") && crop.Has("width"), "expected height and width.");
        var height = Side(crop, "height", fallback);
        crop.Require(Side(crop, "width", height) == height, "height and width differ; crops are square.");
        return height;
    }

    private static int Side(ConfigReader c, string key, int fallback) => c.Int(key, fallback, max: ConfigRange.FittedSide);
}
