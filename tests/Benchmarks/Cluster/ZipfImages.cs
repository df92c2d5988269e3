namespace D2Pruner.AI.Benchmarks.Cluster;

/// <summary>Draws images of unequal demand.</summary>
internal sealed class ZipfImages
{
    private readonly double[] _upTo;

    public ZipfImages(int count, double exponent)
    {
        _upTo = new double[count];
        var sum = 0.0;
        for (var i = 0; i < count; i++) _upTo[i] = sum += Math.Pow(i + 1, -exponent);
        for (var i = 0; i < count; i++) _upTo[i] /= sum;
    }

    public int Draw(Random random)
    {
        var at = Array.BinarySearch(_upTo, random.NextDouble());
        return Math.Min(at < 0 ? ~at : at, _upTo.Length - 1);
    }
}
