using System.Text.RegularExpressions;

namespace D2Pruner.AI.Evaluation.Metrics;

/// <summary>InternVL's grounding script, which LLaVA's harness repeats: the first bracketed four numbers, single
/// precision, areas with their sign.</summary>
internal static partial class InternVLBox
{
    /// <summary>The box in pixels; four zeros where none can be read.</summary>
    public static float[] Read(string answer, double width, double height)
    {
        var match = Bracketed().Match(answer);
        var box = new float[4];
        for (var i = 0; i < 4 && match.Success; i++)
        {
            if (PythonText.ToFloat(match.Groups[i + 1].Value) is not { } side) return new float[4];
            box[i] = (float)side;
        }

        if (box[0] + box[1] + box[2] + box[3] >= 4)
        {
            for (var i = 0; i < 4; i++) box[i] /= 1000;
        }

        for (var i = 0; i < 4; i++) box[i] *= (float)(i % 2 == 0 ? width : height);
        return box;
    }

    /// <summary>IoU in single precision; NaN never hits.</summary>
    public static float Iou(float[] a, float[] b)
    {
        var inner = Positive(Min(a[2], b[2]) - Max(a[0], b[0])) * Positive(Min(a[3], b[3]) - Max(a[1], b[1]));
        return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner);
    }

    /// <summary>Whether an answer is right at IoU 0.5.</summary>
    public static bool IsHit(string answer, IReadOnlyList<double> truth, double width, double height) =>
        Iou(Read(answer, width, height), [.. truth.Select(v => (float)v)]) >= 0.5f;

    private static float Positive(float x) => x < 0 ? 0 : x;

    private static float Min(float a, float b) => MathF.Min(a, b);

    private static float Max(float a, float b) => MathF.Max(a, b);

    [GeneratedRegex(@"\[*\[(.*?),(.*?),(.*?),(.*?)\]\]*")]
    private static partial Regex Bracketed();
}
