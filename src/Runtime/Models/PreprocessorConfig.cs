using System.Text.Json;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Runtime.Models;

/// <summary>What preprocessor_config.json of the CLIP-style processors says, with the library's defaults.</summary>
/// <param name="ShortestEdge">Short side after resizing.</param>
/// <param name="CropSize">Side of the crop.</param>
/// <param name="Mean">Mean per channel.</param>
/// <param name="Normalizer">Rescaling and normalisation.</param>
internal sealed record PreprocessorConfig(int ShortestEdge, int CropSize, double[] Mean, PixelNormalizer Normalizer)
{
    /// <summary>Reads the file.</summary>
    /// <param name="c">The file's reader.</param>
    /// <param name="imageSize">Side that the tower takes, for absent keys.</param>
    public static PreprocessorConfig Read(ConfigReader c, int imageSize)
    {
        var edge = Side(c, "size", imageSize);
        var crop = Side(c, "crop_size", imageSize);
        RequireSteps(c);
        c.Require(c.Bool("do_center_crop", true), "do_center_crop must be true.");
        var mean = Triple(c, "image_mean", [0.48145466, 0.4578275, 0.40821073]);
        var std = Triple(c, "image_std", [0.26862954, 0.26130258, 0.27577711]);
        return new PreprocessorConfig(edge, crop, mean, new PixelNormalizer(mean, std, RescaleFactor(c)));
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

    // A number, {shortest_edge}, or {height, width}.
    private static int Side(ConfigReader c, string key, int fallback)
    {
        if (!c.Has(key)) return fallback;
        if (c.Json.GetProperty(key).ValueKind == JsonValueKind.Number) return c.Int(key, fallback, max: ConfigRange.FittedSide);
        var size = c.Child(key);
        return size.Int("shortest_edge", size.Int("height", fallback, max: ConfigRange.FittedSide), max: ConfigRange.FittedSide);
    }
}
