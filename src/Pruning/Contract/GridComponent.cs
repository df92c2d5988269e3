namespace D2Pruner.AI.Pruning;

/// <summary>One rectangular grid of visual tokens of an image: a component of its <see cref="VisualTokenLayout"/>.</summary>
/// <param name="Name">Name used in prior files: <c>grid</c> (LLaVA-1.5, Qwen2.5-VL), <c>base</c> and <c>mosaic</c> (LLaVA-NeXT),
/// <c>mosaic</c> and <c>thumbnail</c> (InternVL).</param>
/// <param name="Rows">Number of grid rows, at least 1.</param>
/// <param name="Columns">Number of grid columns, at least 1.</param>
/// <param name="Positions">Positions of the tokens in the prompt, row-major, <c>Rows * Columns</c> of
/// them; separators are not among them.</param>
public sealed record GridComponent(string Name, int Rows, int Columns, int[] Positions)
{
    /// <summary>Number of visual tokens, <c>Rows * Columns</c>.</summary>
    public int Count => Rows * Columns;
}
