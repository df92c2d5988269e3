namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>Resampling filters; the values are Pillow's codes, as <c>resample</c> of preprocessor_config.json writes them.</summary>
internal enum ResampleFilter
{
    /// <summary>The pixel under the centre; no antialiasing.</summary>
    Nearest = 0,

    /// <summary>Windowed sinc over three lobes.</summary>
    Lanczos = 1,

    /// <summary>Triangle.</summary>
    Bilinear = 2,

    /// <summary>Cubic with a = -0.5.</summary>
    Bicubic = 3,
}
