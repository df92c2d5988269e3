namespace D2Pruner.AI.Pruning.Baselines;

/// <summary>Rows of numbers on the host, row-major.</summary>
/// <param name="Values">All values, Count x Width.</param>
/// <param name="Count">Rows.</param>
/// <param name="Width">Values a row.</param>
internal readonly record struct RowMatrix(float[] Values, int Count, int Width)
{
    /// <summary>One row.</summary>
    /// <param name="row">Its index.</param>
    public ReadOnlySpan<float> this[int row] => Values.AsSpan(row * Width, Width);

    /// <summary>Some rows, copied.</summary>
    /// <param name="first">The first one.</param>
    /// <param name="count">How many.</param>
    public RowMatrix Slice(int first, int count) => new(Values.AsSpan(first * Width, count * Width).ToArray(), count, Width);

    /// <summary>These rows in this order, copied.</summary>
    /// <param name="rows">Indices.</param>
    public RowMatrix Gather(IReadOnlyList<int> rows)
    {
        var values = new float[rows.Count * Width];
        for (var i = 0; i < rows.Count; i++) this[rows[i]].CopyTo(values.AsSpan(i * Width));
        return new RowMatrix(values, rows.Count, Width);
    }
}
