using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>Small layouts.</summary>
internal static class Layouts
{
    /// <summary>Grids one after the other from prompt position 0.</summary>
    public static VisualTokenLayout Grids(params (int Rows, int Columns)[] grids) => At(0, grids);

    /// <summary>Grids one after the other from a prompt position.</summary>
    public static VisualTokenLayout At(int start, params (int Rows, int Columns)[] grids)
    {
        var components = new List<GridComponent>();
        foreach (var (rows, columns) in grids)
        {
            components.Add(new GridComponent($"g{components.Count}", rows, columns, [.. Enumerable.Range(start, rows * columns)]));
            start += rows * columns;
        }
        return new VisualTokenLayout(components);
    }
}
