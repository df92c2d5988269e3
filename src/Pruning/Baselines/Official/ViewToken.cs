namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>A token of an image that was cut into views: view 0 is the whole image, views 1.. are its tiles, row-major.</summary>
/// <param name="View">The view; -1 for a newline or a merged token.</param>
/// <param name="Token">The patch in the view, row-major; -1 for a view's CLS row, a newline or a merged token.</param>
internal readonly record struct ViewToken(int View, int Token)
{
    /// <summary>A newline, or a token merged from several.</summary>
    public static ViewToken None => new(-1, -1);
}
