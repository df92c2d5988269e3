namespace D2Pruner.AI.Pruning;

/// <summary>Mean attention per grid cell of one component: one tensor <c>K&lt;layer&gt;.&lt;component&gt;</c> of a prior file.</summary>
public sealed class PriorMap
{
    /// <summary>Creates a map.</summary>
    /// <param name="rows">Rows, at least 1.</param>
    /// <param name="columns">Columns, at least 1.</param>
    /// <param name="values">Mean attention, row-major, rows x columns, finite and not negative.</param>
    /// <exception cref="ArgumentException">The size and the number of values disagree, or a value is negative or not finite.</exception>
    public PriorMap(int rows, int columns, float[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (rows < 1 || columns < 1 || values.Length != (long)rows * columns)
            throw new ArgumentException($"A prior map of {rows}x{columns} cannot hold {values.Length} values.", nameof(values));
        var bad = Array.FindIndex(values, v => !float.IsFinite(v) || v < 0);
        if (bad >= 0)
            throw new ArgumentException(
                $"Value {bad} of the prior map is {values[bad]}; mean attention is finite and not negative. Calibrate again.",
                nameof(values));
        (Rows, Columns, Values) = (rows, columns, values);
    }

    /// <summary>Rows of the calibrated grid.</summary>
    public int Rows { get; }

    /// <summary>Columns of the calibrated grid.</summary>
    public int Columns { get; }

    /// <summary>Mean attention (same unit as an attention row), row-major, rows x columns.</summary>
    public float[] Values { get; }
}
