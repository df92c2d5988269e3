namespace D2Pruner.AI.Runtime.Models;

/// <summary>
/// The largest values that configurations may name, far above those of any published model (the largest of the supported families: 80
/// layers, width 8192, vocabulary 152 064, 12 to 40 tiles). They are checked first: sizes that follow from a
/// configuration are never taken from memory before.
/// </summary>
internal static class ConfigRange
{
    /// <summary>Widths of hidden states and heads.</summary>
    public const int Width = 65_536;

    /// <summary>Widths inside an MLP.</summary>
    public const int Intermediate = 524_288;

    /// <summary>Layers of a decoder or tower.</summary>
    public const int Layers = 512;

    /// <summary>Attention heads.</summary>
    public const int Heads = 1024;

    /// <summary>Tokens of a vocabulary.</summary>
    public const int Vocabulary = 4_194_304;

    /// <summary>Positions of a context.</summary>
    public const int Positions = 16_777_216;

    /// <summary>Sides of images and tiles in pixels.</summary>
    public const int ImageSide = 4096;

    /// <summary>Sides of patches in pixels.</summary>
    public const int PatchSide = 256;

    /// <summary>Tiles of an image.</summary>
    public const int Tiles = 128;

    /// <summary>Pixels of all tiles that an image is made into (the largest published: 40 of 448 x 448 and a thumbnail, 8 228 864).</summary>
    public const int TilePixels = 8_388_608;

    /// <summary>Sides of squares that images are fitted into: <see cref="TilePixels"/> once.</summary>
    public const int FittedSide = 2896;

    /// <summary>Patches per side of an image or tile.</summary>
    public const int Side = 256;

    /// <summary>Patches per side that become one token.</summary>
    public const int Merge = 16;

    /// <summary>Frames of a patch.</summary>
    public const int Frames = 4;

    /// <summary>Pixels of a resized image (the largest published: 12 845 056).</summary>
    public const int Pixels = 33_554_432;

    /// <summary>Pixels that small images are enlarged to (the largest published: 200 704).</summary>
    public const int FewestPixels = 4_194_304;
}
