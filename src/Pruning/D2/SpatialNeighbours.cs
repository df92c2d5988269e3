namespace D2Pruner.AI.Pruning;

/// <summary>S_spat: pairs of tokens at Chebyshev distance exactly 1 on one component's grid; never across components.</summary>
internal static class SpatialNeighbours
{
    /// <summary>Every pair once, as rows (I &lt; J) of the remaining candidates, ordered by I.</summary>
    /// <param name="layout">The image's layout.</param>
    /// <param name="remaining">Layout indices still present, ascending; null for all.</param>
    public static List<(int I, int J)> Pairs(VisualTokenLayout layout, int[]? remaining)
    {
        var rowOf = new int[layout.Count];
        if (remaining is null)
        {
            for (var i = 0; i < rowOf.Length; i++) rowOf[i] = i;
        }
        else
        {
            Array.Fill(rowOf, -1);
            for (var r = 0; r < remaining.Length; r++) rowOf[remaining[r]] = r;
        }

        var pairs = new List<(int, int)>(4 * layout.Count);
        var start = 0;
        foreach (var grid in layout.Components)
        {
            for (var y = 0; y < grid.Rows; y++)
            {
                for (var x = 0; x < grid.Columns; x++)
                {
                    var i = rowOf[start + y * grid.Columns + x];
                    if (i < 0) continue;
                    // The four neighbours that come later in row-major order.
                    AddPair(i, y, x + 1);
                    AddPair(i, y + 1, x - 1);
                    AddPair(i, y + 1, x);
                    AddPair(i, y + 1, x + 1);
                }
            }
            start += grid.Count;

            void AddPair(int i, int y, int x)
            {
                if (y >= grid.Rows || x < 0 || x >= grid.Columns) return;
                var j = rowOf[start + y * grid.Columns + x];
                if (j >= 0) pairs.Add((i, j));
            }
        }
        return pairs;
    }
}
