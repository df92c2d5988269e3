using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>lmms-eval's reading of LLaVA's boxes: fractions 0..1, compared as they stand.</summary>
internal static partial class LlavaBox
{
    /// <summary>The box; four zeros where none can be read.</summary>
    public static double[] Read(string answer)
    {
        var match = Bracketed().Match(PythonText.Strip(answer));
        return match.Success ? [.. Enumerable.Range(1, 4).Select(i => PythonText.ToFloat(match.Groups[i].Value)!.Value)] : new double[4];
    }

    /// <summary>Whether the middle of a box lies in another one, borders included.</summary>
    public static bool CentreInside(IReadOnlyList<double> box, IReadOnlyList<double> truth)
    {
        var (x, y) = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
        return truth[0] <= x && x <= truth[2] && truth[1] <= y && y <= truth[3];
    }

    [GeneratedRegex(@"\[\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?),\s*(-?\d+(?:\.\d+)?)\s*\]")]
    private static partial Regex Bracketed();
}
