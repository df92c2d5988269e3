using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>Settings of InternVL's processor; the defaults are those of the published checkpoints.</summary>
internal sealed record InternVLImageOptions
{
    /// <summary>Side of a tile in pixels.</summary>
    public int ImageSize { get; init; } = 448;

    /// <summary>Patch size of the tower.</summary>
    public int PatchSize { get; init; } = 14;

    /// <summary>Pixel shuffle: tokens per patch and axis.</summary>
    public double DownsampleRatio { get; init; } = 0.5;

    /// <summary>Fewest tiles.</summary>
    public int MinTiles { get; init; } = 1;

    /// <summary>Most tiles, the thumbnail not counted.</summary>
    public int MaxTiles { get; init; } = 12;

    /// <summary>Append the whole image as one more tile where there are several.</summary>
    public bool UseThumbnail { get; init; } = true;

    /// <summary>Filter.</summary>
    public ResampleFilter Resample { get; init; } = ResampleFilter.Bicubic;

    /// <summary>Mean and deviation.</summary>
    public PixelNormalizer Normalizer { get; init; } = PixelNormalizer.ImageNet;

    /// <summary>Rows and columns of tokens of a tile.</summary>
    public int TileSide => (int)(ImageSize / PatchSize * DownsampleRatio);

    /// <summary>
    /// Reads both formats: <c>internvl_chat</c> (the repository's own: tiling in config.json, ImageNet
    /// normalisation in code) and <c>internvl</c>
    /// (transformers: GotOcr2ImageProcessor with cropping always on). Absent keys take the defaults of those classes;
    /// everything wrong is noted in the readers.
    /// </summary>
    /// <param name="config">config.json.</param>
    /// <param name="processor">preprocessor_config.json.</param>
    public static InternVLImageOptions Read(ConfigReader config, ConfigReader processor)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(processor);
        var vision = config.Child("vision_config");
        var (tower, patch) = (Square(vision, "image_size", 448), Square(vision, "patch_size", 14));
        var isNative = config.Text("model_type", config.Has("llm_config") ? "internvl_chat" : "internvl") == "internvl";
        var read = isNative ? Native(processor, tower) : Remote(config, processor, tower);
        read = read with { PatchSize = patch, DownsampleRatio = config.Double("downsample_ratio", 0.5, 1.0 / ConfigRange.Merge, 1) };
        var side = read.ImageSize / (double)patch * read.DownsampleRatio;
        config.Require(read.DownsampleRatio > 0 && side >= 1 && side == Math.Floor(side),
            $"tiles of {read.ImageSize} pixels with patches of {patch} and downsample_ratio {read.DownsampleRatio} make {side} tokens " +
            "per side; expected a whole number.");
        var owner = isNative ? processor : config;
        owner.Require(read.MinTiles <= read.MaxTiles,
            $"at least {read.MinTiles} tiles, but at most {read.MaxTiles}: expected the first not above the second.");
        owner.Require((read.MaxTiles + 1L) * read.ImageSize * read.ImageSize <= ConfigRange.TilePixels,
            $"{read.MaxTiles} tiles ({(isNative ? "max_patches" : "max_dynamic_patch")}) and a thumbnail of {read.ImageSize} x " +
            $"{read.ImageSize} pixels ({(isNative ? "size" : "force_image_size")}) are more than {ConfigRange.TilePixels} pixels.");
        return read;
    }

    private static InternVLImageOptions Native(ConfigReader c, int tower)
    {
        var size = tower;
        if (c.Has("size"))
        {
            var s = c.Child("size");
            size = s.Int("height", tower, max: ConfigRange.ImageSide);
            s.Require(s.Int("width", size, max: ConfigRange.ImageSide) == size, "height and width differ; tiles are square.");
        }

        c.Require(size == tower, $"the processor makes tiles of {size}, but the tower takes {tower}.");
        c.Require(c.Int("resample", 3, 0) == 3, "resample is not 3 (bicubic); other filters are not supported.");
        c.Require(c.Bool("do_resize", true) && c.Bool("do_rescale", true) && c.Bool("do_normalize", true),
            "do_resize, do_rescale and do_normalize must be true.");
        return new InternVLImageOptions
        {
            ImageSize = size,
            MinTiles = c.Int("min_patches", 1, max: ConfigRange.Tiles),
            MaxTiles = c.Int("max_patches", 12, max: ConfigRange.Tiles),
            // GotOcr2's class defaults are CLIP's, not InternVL's; the files name ImageNet's.
            Normalizer = new PixelNormalizer(
                PreprocessorConfig.Triple(c, "image_mean", [0.48145466, 0.4578275, 0.40821073]),
                PreprocessorConfig.Triple(c, "image_std", [0.26862954, 0.26130258, 0.27577711]),
                PreprocessorConfig.RescaleFactor(c)),
        };
    }

    private static InternVLImageOptions Remote(ConfigReader config, ConfigReader processor, int tower)
    {
        config.Require(!config.Bool("pad2square", false), "pad2square is true; it is not supported.");
        var isTiled = config.Bool("dynamic_image_size", false);
        return new InternVLImageOptions
        {
            ImageSize = config.Int("force_image_size", tower, max: ConfigRange.ImageSide),
            MinTiles = isTiled ? config.Int("min_dynamic_patch", 1, max: ConfigRange.Tiles) : 1,
            MaxTiles = isTiled ? config.Int("max_dynamic_patch", 6, max: ConfigRange.Tiles) : 1,
            UseThumbnail = config.Bool("use_thumbnail", false),
            Normalizer = new PixelNormalizer(
                PreprocessorConfig.Triple(processor, "image_mean", [0.485, 0.456, 0.406]),
                PreprocessorConfig.Triple(processor, "image_std", [0.229, 0.224, 0.225])),
        };
    }

    // A number, or [height, width] of equal numbers.
    private static int Square(ConfigReader c, string key, int fallback)
    {
        var sides = c.Ints(key, [fallback]);
        c.Require(sides.All(s => s is > 0 and <= ConfigRange.ImageSide && s == sides[0]),
            $"{key} is [{string.Join(", ", sides)}]; expected one side, from 1 to {ConfigRange.ImageSide}.");
        return Math.Clamp(sides[0], 1, ConfigRange.ImageSide);
    }
}
