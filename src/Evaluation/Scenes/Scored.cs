using System.Globalization;
using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>An answer and how good it is.</summary>
/// <param name="Question">The question.</param>
/// <param name="Given">The model's text.</param>
/// <param name="Right">For boxes: IoU at least 0.5.</param>
/// <param name="Iou">Of boxes; 0 if none can be read.</param>
/// <param name="IsRead">Whether a box could be read.</param>
internal sealed partial record Scored(Question Question, string Given, bool Right, double Iou, bool IsRead = true)
{
    public static Scored Of(Question question, string given)
    {
        var text = given.Trim().TrimEnd('.');
        if (question.Box is not { } truth)
            return new Scored(question, given, string.Equals(text, question.Answer, StringComparison.OrdinalIgnoreCase), 0);
        var match = BoxPattern().Match(text);
        if (!match.Success) return new Scored(question, given, false, 0, false);
        double Side(int i) => double.Parse(match.Groups[i].Value, CultureInfo.InvariantCulture) * Scene.Side;
        var iou = IouOf(Side(1), Side(2), Side(3), Side(4), truth);
        return new Scored(question, given, iou >= 0.5, iou);
    }

    private static double IouOf(double left, double top, double right, double bottom, Box truth)
    {
        var inner = Math.Max(0, Math.Min(right, truth.Right) - Math.Max(left, truth.Left))
            * Math.Max(0, Math.Min(bottom, truth.Bottom) - Math.Max(top, truth.Top));
        var area = Math.Max(0, right - left) * Math.Max(0, bottom - top);
        return inner / (area + truth.Area - inner);
    }

    [GeneratedRegex(@"\[\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*\]")]
    private static partial Regex BoxPattern();
}
