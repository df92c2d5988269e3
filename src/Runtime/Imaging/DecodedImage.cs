namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>A decoded image after EXIF orientation.</summary>
public sealed class DecodedImage
{
    /// <summary>Creates an image.</summary>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="rgb">Height x width x 3 bytes, row-major.</param>
    /// <exception cref="ArgumentException">The sizes do not match.</exception>
    public DecodedImage(int width, int height, byte[] rgb)
    {
        if (width < 1 || height < 1 || rgb.Length != (long)width * height * 3)
            throw new ArgumentException(
                $"An image of {width}x{height} needs {(long)width * height * 3} bytes, not {rgb.Length}.", nameof(rgb));
        (Width, Height, Rgb) = (width, height, rgb);
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>Bytes [Height, Width, 3].</summary>
    public byte[] Rgb { get; }
}
