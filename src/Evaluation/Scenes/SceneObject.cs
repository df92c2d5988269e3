namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>The shapes of the world.</summary>
internal enum ShapeKind
{
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
    Star,
    Ring,
    Heart,
}

/// <summary>The colours of the world.</summary>
internal enum ColourKind
{
    Red,
    Green,
    Blue,
    Yellow,
    Purple,
    Orange,
    Cyan,
    Black,
}

/// <summary>A rectangle in pixels, right and bottom exclusive.</summary>
internal readonly record struct Box(int Left, int Top, int Right, int Bottom)
{
    public int Area => Math.Max(0, Right - Left) * Math.Max(0, Bottom - Top);

    public double CentreX => (Left + Right) / 2.0;

    public double CentreY => (Top + Bottom) / 2.0;

    public Box Intersect(Box o) => new(Math.Max(Left, o.Left), Math.Max(Top, o.Top), Math.Min(Right, o.Right), Math.Min(Bottom, o.Bottom));

    public bool Inside(Box o) => Left >= o.Left && Top >= o.Top && Right <= o.Right && Bottom <= o.Bottom;

    public int Overlap(Box o) => Right <= o.Left || o.Right <= Left || Bottom <= o.Top || o.Bottom <= Top ? 0 : Intersect(o).Area;
}

/// <summary>One object of a scene.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="Colour">Its colour.</param>
/// <param name="Big">Radius 26-36 instead of 14-19 pixels.</param>
/// <param name="X">Centre.</param>
/// <param name="Y">Centre.</param>
/// <param name="Radius">In pixels.</param>
internal sealed record SceneObject(ShapeKind Shape, ColourKind Colour, bool Big, int X, int Y, int Radius)
{
    /// <summary>Exact extent of the drawn pixels.</summary>
    public Box Box { get; } = ShapeMask.Of(Shape, Radius).BoxAt(X, Y);
}

/// <summary>A white plate with a printed number.</summary>
internal sealed record Plate(string Digits, int X, int Y)
{
    public const int Scale = 3;
    public const int Margin = 5;

    public int Width => 2 * Margin + Digits.Length * 6 * Scale - Scale;

    public static int Height => 2 * Margin + 7 * Scale;

    public Box Box => new(X, Y, X + Width, Y + Height);
}
