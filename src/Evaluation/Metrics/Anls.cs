using System.Text;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>DocVQA's average normalised Levenshtein similarity.</summary>
internal static class Anls
{
    private const double Threshold = 0.5;

    /// <summary>The best answer's similarity, 0..1; below the threshold 0.</summary>
    public static double Score(string prediction, IEnumerable<string> answers)
    {
        var best = 0.0;
        foreach (var answer in answers)
        {
            // The divisor is the longer raw text in upper case, which may be longer than the compared ones.
            var length = Math.Max(PythonText.Length(PythonText.Upper(answer)), PythonText.Length(PythonText.Upper(prediction)));
            best = Math.Max(best, 1 - (length == 0 ? 0 : (double)Distance(Plain(answer), Plain(prediction)) / length));
        }

        return best < Threshold ? 0 : best;
    }

    private static Rune[] Plain(string text) =>
        [.. string.Join(' ', PythonText.Split(PythonText.Lower(PythonText.Strip(text)))).EnumerateRunes()];

    private static int Distance(Rune[] a, Rune[] b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
