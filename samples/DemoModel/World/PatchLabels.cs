namespace D2Pruner.AI.DemoModel.World;

/// <summary>Dense labels of a window of patches, for training the tower; row-major over the window.</summary>
internal sealed class PatchLabels
{
    public const int Patch = 14;
    public const int GridSide = Scene.Side / Patch;

    // A patch belongs to the object that covers most of it, if more than this many of its 196 pixels.
    private const int MinPixels = 24;

    private PatchLabels(int count)
    {
        Shape = new long[count];
        Colour = new long[count];
        Digit = new long[count];
        Big = new float[count];
        Centre = new float[count];
        Sides = new float[4 * count];
        Absolute = new float[4 * count];
        HasBox = new float[count];
        Mask = new float[49 * count];
        Mixed = new float[count];
        Owner = new int[count];
    }

    /// <summary>0 background, 1..8 shapes, 9 plate.</summary>
    public long[] Shape { get; }

    /// <summary>0 background or plate, 1..8.</summary>
    public long[] Colour { get; }

    /// <summary>0 none, 1..10.</summary>
    public long[] Digit { get; }

    public float[] Big { get; }

    /// <summary>1 in the one patch of an object nearest to its centre.</summary>
    public float[] Centre { get; }

    /// <summary>Distances from the patch's centre to the left, top, right and bottom of its object, in patches.</summary>
    public float[] Sides { get; }

    /// <summary>The same sides from the window's origin, in patches.</summary>
    public float[] Absolute { get; }

    /// <summary>1 where the object's box lies whole in the window.</summary>
    public float[] HasBox { get; }

    /// <summary>Share of foreground in each of 7x7 cells of a patch, [patches, 49].</summary>
    public float[] Mask { get; }

    /// <summary>1 where a patch has both foreground and background.</summary>
    public float[] Mixed { get; }

    /// <summary>Object index that owns the patch, -1 background, -2 plate.</summary>
    public int[] Owner { get; }

    /// <summary>Labels of the patches [row, row+rows) x [column, column+columns).</summary>
    public static PatchLabels Of(Scene scene, SceneImage image, int row, int column, int rows, int columns)
    {
        var labels = new PatchLabels(rows * columns);
        var window = new Box(column * Patch, row * Patch, (column + columns) * Patch, (row + rows) * Patch);
        Span<int> counts = stackalloc int[64];
        Span<int> digits = stackalloc int[11];
        var nearest = new (int Patch, double Distance)[scene.Objects.Count];
        Array.Fill(nearest, (-1, double.MaxValue));
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++)
            {
                var i = r * columns + c;
                counts.Clear();
                digits.Clear();
                var foreground = 0;
                for (var y = 0; y < Patch; y++)
                {
                    for (var x = 0; x < Patch; x++)
                    {
                        var p = (window.Top + r * Patch + y) * Scene.Side + window.Left + c * Patch + x;
                        var owner = image.Owner[p];
                        counts[owner < 0 ? 63 : owner]++;
                        digits[image.Digit[p]]++;
                        if (owner == 0) continue;
                        foreground++;
                        labels.Mask[49 * i + y / 2 * 7 + x / 2] += 0.25f;
                    }
                }

                labels.Mixed[i] = foreground is > 8 and < 188 ? 1 : 0;
                counts[0] = MinPixels;
                var best = counts.IndexOf(Max(counts));
                digits[0] = MinPixels;
                labels.Digit[i] = digits.IndexOf(Max(digits));
                labels.Owner[i] = best == 0 ? -1 : best == 63 ? -2 : best - 1;
                if (best == 0) continue;
                if (best == 63)
                {
                    labels.Shape[i] = 9;
                    continue;
                }

                var o = scene.Objects[best - 1];
                labels.Shape[i] = (int)o.Shape + 1;
                labels.Colour[i] = (int)o.Colour + 1;
                labels.Big[i] = o.Big ? 1 : 0;
                var (cx, cy) = (window.Left + (c + 0.5) * Patch, window.Top + (r + 0.5) * Patch);
                var distance = Math.Pow(cx - o.Box.CentreX, 2) + Math.Pow(cy - o.Box.CentreY, 2);
                if (distance < nearest[best - 1].Distance) nearest[best - 1] = (i, distance);
                if (!o.Box.Inside(window)) continue;
                labels.HasBox[i] = 1;
                float[] sides = [(float)(cx - o.Box.Left) / Patch, (float)(cy - o.Box.Top) / Patch, (float)(o.Box.Right - cx) / Patch,
                    (float)(o.Box.Bottom - cy) / Patch];
                sides.CopyTo(labels.Sides, 4 * i);
                float[] absolute = [(float)o.Box.Left / Patch, (float)o.Box.Top / Patch, (float)o.Box.Right / Patch,
                    (float)o.Box.Bottom / Patch];
                absolute.CopyTo(labels.Absolute, 4 * i);
            }
        }

        foreach (var (patch, _) in nearest)
        {
            if (patch >= 0) labels.Centre[patch] = 1;
        }

        return labels;
    }

    private static int Max(ReadOnlySpan<int> values)
    {
        var max = values[0];
        foreach (var v in values) max = Math.Max(max, v);
        return max;
    }
}
