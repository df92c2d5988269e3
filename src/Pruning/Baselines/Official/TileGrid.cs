namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>LLaVA-NeXT's tiles, as the rivals' repositories choose, order and unpad them.</summary>
/// <param name="Rows">Rows of tiles.</param>
/// <param name="Columns">Columns of tiles.</param>
/// <param name="Side">Tokens along a side of a tile.</param>
internal readonly record struct TileGrid(int Rows, int Columns, int Side = TileGrid.PublishedSide)
{
    /// <summary>Tokens along a side of LLaVA-NeXT's tiles.</summary>
    public const int PublishedSide = 24;

    /// <summary>Pixels along a side of a tile.</summary>
    public const int Pixels = 336;

    // Width x height in tiles, in the order of the published configuration.
    private static readonly TileGrid[] Pinpoints = [new(2, 1), new(1, 2), new(2, 2), new(1, 3), new(3, 1)];

    /// <summary>2 x 2 for every image, as VisPruner and CDPruner fix it.</summary>
    public static TileGrid Square => new(2, 2);

    /// <summary>LLaVA's choice: the largest effective area, then the least waste, the first of equals.</summary>
    /// <param name="width">Image width in pixels.</param>
    /// <param name="height">Image height in pixels.</param>
    public static TileGrid Llava(int width, int height)
    {
        var (best, area, waste) = (Pinpoints[0], 0L, long.MaxValue);
        foreach (var grid in Pinpoints)
        {
            var (w, h) = (grid.Columns * Pixels, grid.Rows * Pixels);
            var scale = Math.Min((double)w / width, (double)h / height);
            var effective = Math.Min((long)(int)(width * scale) * (int)(height * scale), (long)width * height);
            var wasted = (long)w * h - effective;
            if (effective > area || (effective == area && wasted < waste)) (best, area, waste) = (grid, effective, wasted);
        }

        return best;
    }

    /// <summary>FasterVLM's choice: the largest share of the grid that the scaled image fills, the first of equals.</summary>
    /// <inheritdoc cref="Llava"/>
    public static TileGrid LargestFill(int width, int height)
    {
        var (best, fill) = (Pinpoints[0], 0.0);
        foreach (var grid in Pinpoints)
        {
            var (w, h) = (grid.Columns * Pixels, grid.Rows * Pixels);
            var scale = Math.Min((double)w / width, (double)h / height);
            var share = (double)((long)(int)(width * scale) * (int)(height * scale)) / ((long)w * h);
            if (share > fill) (best, fill) = (grid, share);
        }

        return best;
    }

    /// <summary>The token at a cell of the mosaic.</summary>
    /// <param name="y">Row of tokens.</param>
    /// <param name="x">Column of tokens.</param>
    public ViewToken At(int y, int x) => new(1 + y / Side * Columns + x / Side, y % Side * Side + x % Side);

    /// <summary>The whole mosaic, row-major.</summary>
    public IEnumerable<ViewToken> Mosaic() => Mosaic((0, 0, Rows * Side, Columns * Side));

    /// <summary>A part of the mosaic, row-major.</summary>
    /// <param name="part">Its place.</param>
    public IEnumerable<ViewToken> Mosaic((int Top, int Left, int Rows, int Columns) part)
    {
        for (var y = part.Top; y < part.Top + part.Rows; y++)
        {
            for (var x = part.Left; x < part.Left + part.Columns; x++) yield return At(y, x);
        }
    }

    /// <summary>The part of the mosaic that holds the image: LLaVA's unpad_image.</summary>
    /// <inheritdoc cref="Llava"/>
    public (int Top, int Left, int Rows, int Columns) Unpadded(int width, int height)
    {
        var (h, w) = (Rows * Side, Columns * Side);
        if ((double)width / height > (double)w / h)
        {
            var top = (h - (int)(height * ((double)w / width))) / 2;
            return (top, 0, h - 2 * top, w);
        }

        var left = (w - (int)(width * ((double)h / height))) / 2;
        return (0, left, h, w - 2 * left);
    }
}
