namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>A picture cannot be used: it is damaged, too large, or of an unknown format.</summary>
public sealed class ImageDecodeException : ArgumentException
{
    /// <summary>Creates it.</summary>
    public ImageDecodeException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
