namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>A part of a resized image, in its pixels.</summary>
internal readonly record struct PixelWindow(int Left, int Top, int Width, int Height);
