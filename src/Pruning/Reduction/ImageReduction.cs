namespace D2Pruner.AI.Pruning;

/// <summary>What a stage did to one image.</summary>
/// <param name="Image">Index of the image in the request.</param>
/// <param name="Layout">The image's layout; its <see cref="VisualTokenLayout.Count"/> is V, separators not counted.</param>
/// <param name="Before">Candidates present before the stage (V at the first stage).</param>
/// <param name="Kept">Layout indices of the candidates kept, ascending; as many as the budget unless the method merges.</param>
/// <param name="Statistics">What the selection saw and did; <see cref="SelectionStatistics.Empty"/> where nothing had to be chosen.</param>
public sealed record ImageReduction(int Image, VisualTokenLayout Layout, int Before, int[] Kept, SelectionStatistics Statistics)
{
    /// <summary>Number of candidates kept; separators come on top.</summary>
    public int KeptCount => Kept.Length;

    /// <summary>Prompt positions of the kept candidates, ascending.</summary>
    public int[] KeptPositions
    {
        get
        {
            var positions = Array.ConvertAll(Kept, k => Layout.Positions[k]);
            Array.Sort(positions);
            return positions;
        }
    }
}
