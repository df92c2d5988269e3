using System.Collections.Concurrent;

namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>Which pixels of the square [-r, r]² a shape covers.</summary>
internal sealed class ShapeMask
{
    private static readonly ConcurrentDictionary<(ShapeKind, int), ShapeMask> Cache = new();
    private readonly int _radius;
    private readonly Box _box;

    private ShapeMask(ShapeKind shape, int radius)
    {
        _radius = radius;
        var side = 2 * radius + 1;
        Covered = new bool[side * side];
        var (l, t, r, b) = (side, side, 0, 0);
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                if (!Covers(shape, (x - radius) / (double)radius, (y - radius) / (double)radius)) continue;
                Covered[y * side + x] = true;
                (l, t, r, b) = (Math.Min(l, x), Math.Min(t, y), Math.Max(r, x + 1), Math.Max(b, y + 1));
            }
        }

        _box = new Box(l - radius, t - radius, r - radius, b - radius);
    }

    /// <summary>Row-major, side 2r+1.</summary>
    public bool[] Covered { get; }

    public static ShapeMask Of(ShapeKind shape, int radius) => Cache.GetOrAdd((shape, radius), k => new ShapeMask(k.Item1, k.Item2));

    public Box BoxAt(int x, int y) => new(_box.Left + x, _box.Top + y, _box.Right + x, _box.Bottom + y);

    // x and y in -1..1, y downwards.
    private static bool Covers(ShapeKind shape, double x, double y) => shape switch
    {
        ShapeKind.Circle => x * x + y * y <= 1,
        ShapeKind.Square => Math.Abs(x) <= 0.86 && Math.Abs(y) <= 0.86,
        ShapeKind.Triangle => y is >= -1 and <= 0.8 && Math.Abs(x) <= (y + 1) / 1.8,
        ShapeKind.Diamond => Math.Abs(x) + Math.Abs(y) <= 1,
        ShapeKind.Cross => Math.Min(Math.Abs(x), Math.Abs(y)) <= 0.32 && Math.Max(Math.Abs(x), Math.Abs(y)) <= 0.97,
        ShapeKind.Star => Star(x, y),
        ShapeKind.Ring => x * x + y * y is <= 1 and >= 0.3,
        ShapeKind.Heart => Heart(x * 1.2, -(y - 0.08) * 1.22),
        _ => throw new ArgumentOutOfRangeException(nameof(shape)),
    };

    private static bool Star(double x, double y)
    {
        var radius = Math.Sqrt(x * x + y * y);
        var turn = 2 * Math.PI / 5;
        var angle = Math.Atan2(x, -y);
        angle = Math.Abs(angle - turn * Math.Round(angle / turn)); // 0 at a tip, 36° in a notch
        // The edge from the tip (1, 0°) to the notch (0.42, 36°).
        var (tx, ty, nx, ny) = (1.0, 0.0, 0.42 * Math.Cos(turn / 2), 0.42 * Math.Sin(turn / 2));
        var (px, py) = (radius * Math.Cos(angle), radius * Math.Sin(angle));
        return (nx - tx) * (py - ty) - (ny - ty) * (px - tx) >= 0;
    }

    private static bool Heart(double x, double y)
    {
        var a = x * x + y * y - 1;
        return a * a * a - x * x * y * y * y <= 0;
    }
}
