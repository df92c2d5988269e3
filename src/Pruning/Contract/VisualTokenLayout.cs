namespace D2Pruner.AI.Pruning;

/// <summary>
/// Where the visual tokens of one image stand in the prompt. Candidates are numbered in layout order: component after
/// component, row-major inside each; that number is the index space of every pruner.
/// </summary>
public sealed class VisualTokenLayout
{
    /// <summary>Creates the layout of one image.</summary>
    /// <param name="components">The image's grids, in order.</param>
    /// <param name="separators">Prompt positions of the image's separator tokens (LLaVA-NeXT's newlines), which are never pruned.</param>
    /// <exception cref="ArgumentException">A component's position count differs from rows x columns, or there is none.</exception>
    public VisualTokenLayout(IReadOnlyList<GridComponent> components, int[]? separators = null)
    {
        ArgumentNullException.ThrowIfNull(components);
        if (components.Count == 0) throw new ArgumentException("A layout needs at least one component.", nameof(components));
        foreach (var c in components)
        {
            if (c.Rows < 1 || c.Columns < 1 || c.Positions.Length != c.Count)
                throw new ArgumentException(
                    $"Component '{c.Name}' is {c.Rows}x{c.Columns} but holds {c.Positions.Length} positions.", nameof(components));
        }
        Components = components;
        Separators = separators ?? [];
        Positions = [.. components.SelectMany(c => c.Positions)];
    }

    /// <summary>The image's grids, in layout order.</summary>
    public IReadOnlyList<GridComponent> Components { get; }

    /// <summary>Prompt positions of separators; always kept, on top of the budget.</summary>
    public int[] Separators { get; }

    /// <summary>Prompt positions of the V candidates in layout order.</summary>
    public int[] Positions { get; }

    /// <summary>V, the number of candidates.</summary>
    public int Count => Positions.Length;
}
