using System.Globalization;
using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>VLMEvalKit's boxes: bracketed if it can be, else the first four numbers anywhere; fractions,
/// thousandths or pixels by size.</summary>
internal static partial class VlmEvalKitBox
{
    private const string Number = @"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?";
    private const string Separator = @"(?:\s*,\s*|\s+)";

    /// <summary>The four numbers as written; null if there are fewer.</summary>
    public static double[]? Parse(string answer)
    {
        if (Bracketed().Match(answer) is { Success: true } m) return [.. Enumerable.Range(1, 4).Select(i => ToNumber(m.Groups[i].Value))];
        var numbers = AnyNumber().Matches(answer);
        return numbers.Count < 4 ? null : [.. numbers.Take(4).Select(n => ToNumber(n.Value))];
    }

    /// <summary>In pixels, inside the image, corners in order.</summary>
    public static double[] ToPixels(double[] parsed, double width, double height)
    {
        var most = parsed.Max(Math.Abs);
        var scale = most <= 1.5 ? 1 : 1000.0;
        double Side(int i)
        {
            var side = i % 2 == 0 ? width : height;
            return Math.Min(Math.Max(most <= 1000 ? parsed[i] / scale * side : parsed[i], 0), side);
        }

        var (x1, y1, x2, y2) = (Side(0), Side(1), Side(2), Side(3));
        return [Math.Min(x1, x2), Math.Min(y1, y2), Math.Max(x1, x2), Math.Max(y1, y2)];
    }

    private static double ToNumber(string text) => PythonText.ToFloat(text)
        ?? double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\[\s*(" + Number + ")" + Separator + "(" + Number + ")" + Separator + "(" + Number + ")" + Separator + "("
        + Number + @")\s*\]")]
    private static partial Regex Bracketed();

    [GeneratedRegex(Number)]
    private static partial Regex AnyNumber();
}
