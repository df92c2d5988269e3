namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>The rows of an image on a canvas of one colour, made one at a time: a square canvas of a long image would need far
/// more memory than the image.</summary>
internal class PixelRows
{
    private readonly byte[] _rgb;
    private readonly int _imageWidth;
    private readonly int _imageHeight;
    private readonly int _left;
    private readonly int _top;
    private readonly byte[]? _buffer;

    /// <summary>The image alone.</summary>
    public PixelRows(byte[] rgb, int width, int height)
    {
        (_rgb, _imageWidth, _imageHeight) = (rgb, width, height);
        (Width, Height) = (width, height);
    }

    /// <summary>The image at (<paramref name="left"/>, <paramref name="top"/>) of a larger canvas.</summary>
    public PixelRows(DecodedImage image, int left, int top, int width, int height, byte[] colour)
        : this(image.Rgb, image.Width, image.Height)
    {
        if (width == image.Width && height == image.Height) return;
        (Width, Height, _left, _top, Colour) = (width, height, left, top, colour);
        _buffer = new byte[checked(width * 3)];
        for (var i = 0; i < _buffer.Length; i++) _buffer[i] = colour[i % 3];
    }

    public int Width { get; }

    public int Height { get; }

    public byte[] Colour { get; } = [0, 0, 0];

    /// <summary>The image's own bytes where there is no canvas around it.</summary>
    public byte[]? Whole => _buffer is null ? _rgb : null;

    /// <summary>Whether a row is all canvas.</summary>
    public bool IsBlank(int y) => y < _top || y >= _top + _imageHeight;

    /// <summary>A row that is not blank; valid until the next call.</summary>
    public virtual ReadOnlySpan<byte> this[int y]
    {
        get
        {
            var row = _rgb.AsSpan((y - _top) * _imageWidth * 3, _imageWidth * 3);
            if (_buffer is null) return row;
            row.CopyTo(_buffer.AsSpan(_left * 3));
            return _buffer;
        }
    }
}
