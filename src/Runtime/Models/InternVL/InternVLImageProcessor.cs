using D2Pruner.AI.Runtime.Imaging;
namespace D2Pruner.AI.Runtime.Models.InternVL;

/// <summary>InternVL's image path (dynamic_preprocess): the image stretched to a mosaic of square tiles of
/// about its shape, and a thumbnail.</summary>
internal sealed class InternVLImageProcessor : IImageProcessor
{
    private readonly InternVLImageOptions _options;
    private readonly (int Columns, int Rows)[] _candidates;

    /// <summary>Creates a processor.</summary>
    /// <exception cref="ArgumentException">A number of the options is out of range.</exception>
    public InternVLImageProcessor(InternVLImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.TileSide < 1)
            throw new ArgumentException(
                $"Tiles of {options.ImageSize} pixels with patches of {options.PatchSize} and ratio {options.DownsampleRatio} hold " +
                "no token.", nameof(options));
        if (options.MinTiles < 1 || options.MaxTiles < options.MinTiles)
            throw new ArgumentException(
                $"From {options.MinTiles} to {options.MaxTiles} tiles; expected 1 or more, the first not above the second.",
                nameof(options));
        _options = options;
        // Python's order inside one area is a set's and never changes the result.
        _candidates =
        [
            .. from i in Enumerable.Range(1, options.MaxTiles)
               from j in Enumerable.Range(1, options.MaxTiles / i)
               where i * j >= options.MinTiles
               orderby i * j, i
               select (i, j),
        ];
    }

    /// <inheritdoc/>
    public ImagePlan Plan(int width, int height)
    {
        var (columns, rows) = Tiling(width, height);
        var side = _options.TileSide;
        var (w, h) = (columns * side, rows * side);
        var mosaic = new int[w * h];
        for (var y = 0; y < h; y++)
        {
            for (var x = 0; x < w; x++) mosaic[y * w + x] = (y / side * columns + x / side) * side * side + y % side * side + x % side;
        }

        List<ImageGrid> grids = [new ImageGrid("mosaic", h, w, mosaic)];
        List<PixelFrame> cells = [new PixelFrame(0, 0, (double)width / w, (double)height / h)];
        if (HasThumbnail(columns * rows))
        {
            grids.Add(ImageGrid.Contiguous("thumbnail", side, side, mosaic.Length));
            cells.Add(new PixelFrame(0, 0, (double)width / side, (double)height / side));
        }

        return new ImagePlan
        {
            OriginalWidth = width,
            OriginalHeight = height,
            TokenCount = grids.Sum(g => g.Offsets.Length),
            Grids = grids,
            Tiles = (columns, rows),
            Map = new CoordinateMap(width, height, CoordinateSpace.Thousand, new PixelFrame(0, 0, width / 1000.0, height / 1000.0), cells),
        };
    }

    /// <inheritdoc/>
    public ProcessedImage Process(DecodedImage image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        var plan = Plan(image.Width, image.Height);
        var (columns, rows) = plan.Tiles!.Value;
        var size = _options.ImageSize;
        var tile = size * size * 3;
        var count = columns * rows + (HasThumbnail(columns * rows) ? 1 : 0);
        var tiles = new byte[checked(count * tile)];
        var stretched = Resize(image, columns * size, rows * size, cancellationToken);
        for (var k = 0; k < columns * rows; k++)
        {
            var (y0, x0) = (k / columns * size, k % columns * size);
            for (var y = 0; y < size; y++)
                Array.Copy(stretched, ((y0 + y) * columns * size + x0) * 3, tiles, k * tile + y * size * 3, size * 3);
        }

        if (count > columns * rows) Resize(image, size, size, cancellationToken).CopyTo(tiles, columns * rows * tile);
        var pixels = new float[tiles.Length];
        for (var k = 0; k < count; k++) _options.Normalizer.ToPlanes(tiles.AsSpan(k * tile, tile), pixels.AsSpan(k * tile, tile));
        return new ProcessedImage(plan, tiles, [count, size, size, 3], pixels, [count, 3, size, size]);
    }

    private byte[] Resize(DecodedImage image, int width, int height, CancellationToken cancellationToken) =>
        PillowResizer.Resize(image.Rgb, image.Width, image.Height, width, height, _options.Resample, cancellationToken);

    private bool HasThumbnail(int tiles) => _options.UseThumbnail && tiles > 1;

    // find_closest_aspect_ratio: the nearest ratio; of equally near ones the larger, if the image has more than half its pixels.
    private (int Columns, int Rows) Tiling(int width, int height)
    {
        var aspect = (double)width / height;
        var (best, bestDifference) = ((1, 1), double.PositiveInfinity);
        foreach (var (i, j) in _candidates)
        {
            var difference = Math.Abs(aspect - (double)i / j);
            if (difference < bestDifference) (best, bestDifference) = ((i, j), difference);
            else if (difference == bestDifference && (long)width * height > 0.5 * _options.ImageSize * _options.ImageSize * i * j)
                best = (i, j);
        }

        return best;
    }
}
