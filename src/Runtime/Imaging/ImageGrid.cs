namespace D2Pruner.AI.Runtime.Imaging;

/// <summary>One grid of visual tokens of a processed image.</summary>
/// <param name="Name">Component name, as in prior files.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
/// <param name="Offsets">Row-major offsets in the image's run of placeholder tokens.</param>
public sealed record ImageGrid(string Name, int Rows, int Columns, int[] Offsets)
{
    /// <summary>A grid of consecutive tokens.</summary>
    public static ImageGrid Contiguous(string name, int rows, int columns, int start = 0) =>
        new(name, rows, columns, [.. Enumerable.Range(start, rows * columns)]);
}
