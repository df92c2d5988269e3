namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>Intersection over union as the harnesses compute it; boxes are left, top, right, bottom.</summary>
internal static class Boxes
{
    /// <summary>Accuracy counts boxes with at least this IoU.</summary>
    public const double Hit = 0.5;

    /// <summary>Areas with their sign; NaN where the union is nothing.</summary>
    public static double SignedIou(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        var inner = Overlap(a, b);
        return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner);
    }

    /// <summary>Areas never below 0; 0 where the union is nothing.</summary>
    public static double ClampedIou(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        var inner = Overlap(a, b);
        var union = Area(a) + Area(b) - inner;
        return union <= 0 ? 0 : inner / union;
    }

    private static double Area(IReadOnlyList<double> a) => Math.Max(0, a[2] - a[0]) * Math.Max(0, a[3] - a[1]);

    private static double Overlap(IReadOnlyList<double> a, IReadOnlyList<double> b) =>
        Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0])) * Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]));
}
