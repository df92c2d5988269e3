namespace D2Pruner.AI.Pruning;

/// <summary>Resizes a positional-bias map to another grid (specification A4).</summary>
public static class PriorResizer
{
    /// <summary>
    /// Bilinear with half-pixel centres (align_corners = false): src = (i + 0.5) * in / out - 0.5, clamped at 0; no antialias when
    /// shrinking, no renormalisation.
    /// </summary>
    /// <param name="map">Values, row-major, <paramref name="rows"/> x <paramref name="columns"/>.</param>
    /// <param name="rows">Rows of the map, at least 1.</param>
    /// <param name="columns">Columns of the map, at least 1.</param>
    /// <param name="outRows">Rows wanted, at least 1.</param>
    /// <param name="outColumns">Columns wanted, at least 1.</param>
    /// <returns>The resized map, row-major, <paramref name="outRows"/> x <paramref name="outColumns"/>.</returns>
    /// <exception cref="ArgumentException">A size is below 1 or the map has another number of values.</exception>
    public static float[] Resize(ReadOnlySpan<float> map, int rows, int columns, int outRows, int outColumns)
    {
        if (rows < 1 || columns < 1 || outRows < 1 || outColumns < 1)
            throw new ArgumentException($"Sizes must be at least 1: {rows}x{columns} to {outRows}x{outColumns}.", nameof(rows));
        if (map.Length != (long)rows * columns)
            throw new ArgumentException($"A {rows}x{columns} map needs {(long)rows * columns} values, found {map.Length}.", nameof(map));
        if (rows == outRows && columns == outColumns) return map.ToArray();

        var output = new float[outRows * outColumns];
        for (var y = 0; y < outRows; y++)
        {
            var (top, bottom, wy) = Source(y, rows, outRows);
            for (var x = 0; x < outColumns; x++)
            {
                var (left, right, wx) = Source(x, columns, outColumns);
                var upper = (1 - wx) * map[top * columns + left] + wx * map[top * columns + right];
                var lower = (1 - wx) * map[bottom * columns + left] + wx * map[bottom * columns + right];
                output[y * outColumns + x] = (1 - wy) * upper + wy * lower;
            }
        }
        return output;
    }

    private static (int Low, int High, float Weight) Source(int index, int size, int outSize)
    {
        var source = MathF.Max(0, (index + 0.5f) * ((float)size / outSize) - 0.5f);
        var low = Math.Min((int)source, size - 1);
        return (low, Math.Min(low + 1, size - 1), source - low);
    }
}
