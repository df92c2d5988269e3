namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>
/// Pillow's resize, bit for bit (before Pillow 13): two passes over bytes, horizontal first, 22-bit
/// fixed-point weights, antialiased when shrinking.
/// </summary>
internal static class PillowResizer
{
    private const int Precision = ResampleTaps.Precision;
    private const long MaxWorkBytes = 1L << 30;

    /// <summary>Resizes an image with the cubic filter; see
    /// <see cref="Resize(byte[], int, int, int, int, ResampleFilter, CancellationToken)"/>.</summary>
    public static byte[] Bicubic(byte[] rgb, int width, int height, int newWidth, int newHeight) =>
        Resize(rgb, width, height, newWidth, newHeight, ResampleFilter.Bicubic);

    /// <summary>Resizes an image; a pass whose size does not change is skipped.</summary>
    /// <param name="rgb">[height, width, 3].</param>
    /// <param name="width">Width.</param>
    /// <param name="height">Height.</param>
    /// <param name="newWidth">Wanted width, at least 1.</param>
    /// <param name="newHeight">Wanted height, at least 1.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="cancellationToken">Observed at every row.</param>
    /// <returns>[newHeight, newWidth, 3]; <paramref name="rgb"/> itself when nothing changes.</returns>
    /// <exception cref="ArgumentException">The bytes do not match the size, or the filter does not exist.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A wanted side is below 1.</exception>
    /// <exception cref="ImageDecodeException">The sides are so far apart that resizing would take more than 1 GiB.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static byte[] Resize(byte[] rgb, int width, int height, int newWidth, int newHeight, ResampleFilter filter,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rgb);
        if (rgb.Length != (long)width * height * 3)
            throw new ArgumentException(
                $"An image of {width}x{height} needs {(long)width * height * 3} bytes, not {rgb.Length}.", nameof(rgb));
        return Resize(new PixelRows(rgb, width, height), newWidth, newHeight, filter, new PixelWindow(0, 0, newWidth, newHeight),
            cancellationToken);
    }

    /// <summary>A window of the resized image; only what it needs is computed.</summary>
    internal static byte[] Resize(PixelRows source, int newWidth, int newHeight, ResampleFilter filter, PixelWindow window,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(newWidth, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(newHeight, 1);
        if (!Enum.IsDefined(filter))
            throw new ArgumentException(
                $"The filter {(int)filter} does not exist; supported are 0 to 3 (nearest, lanczos, bilinear, bicubic).", nameof(filter));
        if (source.Whole is { } rgb && newWidth == source.Width && newHeight == source.Height
            && window == new PixelWindow(0, 0, newWidth, newHeight)) return rgb;
        var down = newHeight == source.Height ? null : ResampleTaps.Of(source.Height, newHeight, filter, window.Top, window.Height);
        var (first, end) = down is null ? (window.Top, window.Top + window.Height)
            : (down.Min(t => t.Start), down.Max(t => t.Start + t.Weights.Length));
        var work = 3L * window.Width * Math.Max(end - first, window.Height);
        if (work > MaxWorkBytes)
            throw new ImageDecodeException(
                $"Resizing an image of {source.Width}x{source.Height} to {newWidth}x{newHeight} takes {work} bytes; the limit is " +
                $"{MaxWorkBytes}. Cut the image.", kind: VisionErrorKind.TooLarge);
        var rows = Horizontal(source, newWidth, filter, window, first, end, cancellationToken);
        return down is null ? rows : Vertical(rows, window.Width * 3, first, down, cancellationToken);
    }

    private static byte[] Horizontal(PixelRows source, int newWidth, ResampleFilter filter, PixelWindow window, int first, int end,
        CancellationToken cancellationToken)
    {
        var taps = newWidth == source.Width ? null : ResampleTaps.Of(source.Width, newWidth, filter, window.Left, window.Width);
        var stride = window.Width * 3;
        var result = new byte[(end - first) * stride];
        for (var y = first; y < end; y++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var o = result.AsSpan((y - first) * stride, stride);
            // The weights of a pixel add up to 1 within a few units of 2^-22: one colour stays that colour.
            if (source.IsBlank(y)) Fill(o, source.Colour);
            else if (taps is null) source[y].Slice(window.Left * 3, stride).CopyTo(o);
            else Row(source[y], taps, o);
        }

        return result;
    }

    private static void Row(ReadOnlySpan<byte> row, ResampleTaps[] taps, Span<byte> result)
    {
        var o = 0;
        foreach (var (start, weights) in taps)
        {
            int r = 1 << (Precision - 1), g = r, b = r;
            var pixels = row.Slice(start * 3, weights.Length * 3);
            var s = 0;
            foreach (var k in weights)
            {
                r += pixels[s] * k;
                g += pixels[s + 1] * k;
                b += pixels[s + 2] * k;
                s += 3;
            }

            result[o++] = Clip(r);
            result[o++] = Clip(g);
            result[o++] = Clip(b);
        }
    }

    private static byte[] Vertical(byte[] source, int stride, int first, ResampleTaps[] taps, CancellationToken cancellationToken)
    {
        var result = new byte[taps.Length * stride];
        var sums = new int[stride];
        for (var y = 0; y < taps.Length; y++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (start, weights) = taps[y];
            Array.Fill(sums, 1 << (Precision - 1));
            for (var t = 0; t < weights.Length; t++)
            {
                var row = source.AsSpan((start - first + t) * stride, stride);
                var k = weights[t];
                for (var i = 0; i < row.Length; i++) sums[i] += row[i] * k;
            }

            var o = result.AsSpan(y * stride, stride);
            for (var i = 0; i < o.Length; i++) o[i] = Clip(sums[i]);
        }

        return result;
    }

    private static void Fill(Span<byte> row, byte[] colour)
    {
        for (var i = 0; i < row.Length; i += 3) colour.CopyTo(row[i..]);
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> Precision, 0, 255);
}
