using System.Diagnostics;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>What rivals made of one image, for all questions about it.</summary>
/// <param name="tower">The image in the tower.</param>
internal sealed class RivalImage(TowerView tower)
{
    private readonly Dictionary<(string Name, int Keep), (InputRows Rows, TimeSpan Time)> _known = [];

    /// <summary>The image in the tower.</summary>
    public TowerView Tower => tower;

    /// <summary>What a rival makes of it, and how long that took.</summary>
    /// <exception cref="PublishedFailureException">The published code fails on this image.</exception>
    public (InputRows Rows, TimeSpan Time) Rows(Rival rival, int keep)
    {
        if (_known.TryGetValue((rival.Name, keep), out var known)) return known;
        var watch = Stopwatch.StartNew();
        var rows = rival.Input!(tower, keep);
        return _known[(rival.Name, keep)] = (rows, watch.Elapsed);
    }
}
