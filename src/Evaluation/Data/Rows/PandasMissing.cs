namespace D2Pruner.AI.Evaluation.Data.Rows;

/// <summary>Words that pandas reads as a missing value; what it writes for one itself is <see cref="Nan"/>.</summary>
internal static class PandasMissing
{
    /// <summary>What stands where nothing stood, in files that were written from pandas as text.</summary>
    public const string Nan = "nan";

    private static readonly HashSet<string> Words = new(StringComparer.Ordinal)
    {
        "", "None", "NA", "N/A", Nan, "null", "NULL", "n/a", "<NA>", "NaN", "#N/A", "#NA", "#N/A N/A", "-NaN", "-nan", "1.#IND",
            "-1.#IND", "1.#QNAN", "-1.#QNAN",
    };

    /// <summary>Whether a cell is read as missing.</summary>
    public static bool Is(string cell) => Words.Contains(cell);
}
