namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>A question about an image.</summary>
/// <param name="image">The image.</param>
/// <param name="asked">When it was asked.</param>
internal sealed class SimulatedRequest(int image, double asked)
{
    public int Image => image;

    public double Asked => asked;

    public bool Hit { get; set; }

    /// <summary>Workers that have handed it on.</summary>
    public int Hops { get; set; }

    /// <summary>A worker died over it; it is tried once more.</summary>
    public bool Retried { get; set; }
}
