using D2Pruner.AI.Runtime.Prompts;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Runtime.Models.Qwen25VL;

/// <summary>Multimodal positions (get_rope_index): rows are temporal, height and width; text goes on after the largest so far.</summary>
internal sealed class MropePositions : IPositionScheme
{
    /// <inheritdoc/>
    public (long[][] Rows, long Next) Assign(int length, IReadOnlyList<int[]> visualPositions, IReadOnlyList<ImagePlan> images)
    {
        long[][] rows = [new long[length], new long[length], new long[length]];
        long next = 0;
        var at = 0;
        for (var i = 0; i < images.Count; i++)
        {
            Text(visualPositions[i][0]);
            var grid = images[i].Grids[0];
            for (var k = 0; k < grid.Rows * grid.Columns; k++, at++)
            {
                rows[0][at] = next;
                rows[1][at] = next + k / grid.Columns;
                rows[2][at] = next + k % grid.Columns;
            }

            next += Math.Max(grid.Rows, grid.Columns);
        }

        Text(length);
        return (rows, next);

        void Text(int end)
        {
            for (; at < end; at++, next++) rows[0][at] = rows[1][at] = rows[2][at] = next;
        }
    }
}

