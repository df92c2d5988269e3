namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>
/// GlobalCom2 (xuyang-liu16/GlobalCom2 96b2d00b86): the base view by its CLS scores, each tile at a rate that follows the base view's
/// scores over it, a tile's tokens by its own and the base view's scores. A newline ends every row of the mosaic, padded rows too. As
/// published, tokens chosen in a padded tile are written at their index among its valid tokens.
/// </summary>
internal static class GlobalCom2
{
    private const double Temperature = 10;

    /// <summary>Chooses.</summary>
    /// <param name="scores">Per view the CLS row's scores of the last layer before softmax, mean over heads, patches only,
    /// [side x side].</param>
    /// <param name="ratio">Share kept.</param>
    /// <param name="grid">The tiles.</param>
    /// <param name="width">Image width in pixels.</param>
    /// <param name="height">Image height in pixels.</param>
    /// <returns>The base view's patches by falling score; the mosaic with newlines
    /// (<see cref="ViewToken.None"/>); the tiles' rates.</returns>
    public static (int[] Base, ViewToken[] Mosaic, double[] Rates) Select(
        IReadOnlyList<double[]> scores, double ratio, TileGrid grid, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var (whole, side) = (scores[0], grid.Side);
        int[] kept = [.. RivalMath.Falling(whole).Take((int)(side * side * ratio))];
        var rates = Rates(whole, ratio, grid);
        var part = grid.Unpadded(width, height);
        var global = Resize(whole, side, part.Rows, part.Columns);

        var written = new ViewToken?[grid.Rows * side, grid.Columns * side];
        for (var tile = 0; tile < grid.Rows * grid.Columns; tile++)
        {
            var (top, left) = (tile / grid.Columns * side, tile % grid.Columns * side);
            var (valid, fromGlobal) = (new List<int>(), new List<double>());
            for (var i = 0; i < side * side; i++)
            {
                var (y, x) = (top + i / side - part.Top, left + i % side - part.Left);
                if (y < 0 || x < 0 || y >= part.Rows || x >= part.Columns) continue;
                valid.Add(i);
                fromGlobal.Add(global[y * part.Columns + x]);
            }

            var (own, far) = (Unit([.. valid.Select(i => scores[tile + 1][i])]), Unit([.. fromGlobal]));
            foreach (var index in RivalMath.Falling([.. own.Select((a, i) => a + far[i])]).Take((int)(valid.Count * rates[tile])))
                written[top + index / side, left + index % side] = new ViewToken(tile + 1, valid[index]);
        }

        var mosaic = new List<ViewToken>();
        for (var y = 0; y < grid.Rows * side; y++)
        {
            for (var x = 0; x < grid.Columns * side; x++)
            {
                if (written[y, x] is { } token) mosaic.Add(token);
            }

            mosaic.Add(ViewToken.None);
        }

        return (kept, [.. mosaic], rates);
    }

    private static double[] Rates(double[] whole, double ratio, TileGrid grid)
    {
        var sums = new double[grid.Rows * grid.Columns];
        var side = grid.Side;
        for (var i = 0; i < whole.Length; i++)
        {
            var row = Math.Min(i / side / (side / grid.Rows), grid.Rows - 1);
            var column = Math.Min(i % side / (side / grid.Columns), grid.Columns - 1);
            sums[row * grid.Columns + column] += whole[i];
        }

        var max = sums.Max();
        var exponents = Array.ConvertAll(sums, s => Math.Exp((s - max) / Temperature));
        var total = exponents.Sum() + 1e-8;
        var shares = Array.ConvertAll(exponents, e => e / total);
        var mean = shares.Average();
        return Array.ConvertAll(shares, p => Math.Min(1, ratio * (1 + p - mean)));
    }

    private static double[] Unit(double[] values)
    {
        var length = Math.Max(Math.Sqrt(values.Sum(v => v * v)), 1e-12);
        return Array.ConvertAll(values, v => v / length);
    }

    private static double[] Resize(double[] map, int side, int rows, int columns)
    {
        var result = new double[rows * columns];
        for (var y = 0; y < rows; y++)
        {
            var (top, bottom, wy) = Source(y, side, rows);
            for (var x = 0; x < columns; x++)
            {
                var (left, right, wx) = Source(x, side, columns);
                var upper = (1 - wx) * map[top * side + left] + wx * map[top * side + right];
                var lower = (1 - wx) * map[bottom * side + left] + wx * map[bottom * side + right];
                result[y * columns + x] = (1 - wy) * upper + wy * lower;
            }
        }

        return result;
    }

    private static (int Low, int High, double Weight) Source(int index, int side, int size)
    {
        var source = Math.Max(0, (index + 0.5) * side / size - 0.5);
        var low = Math.Min((int)source, side - 1);
        return (low, Math.Min(low + 1, side - 1), source - low);
    }
}
