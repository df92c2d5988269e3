using System.Text.Json.Nodes;

namespace D2Pruner.AI.DemoModel.Evaluation;

/// <summary>Shares of right answers with 95% intervals (Wilson; mean IoU: normal).</summary>
internal static class EvaluationReport
{
    private const double Z = 1.96;

    /// <summary>Key of a task in the report.</summary>
    public static string Key(QuestionTask task) => task switch
    {
        QuestionTask.Box => "box_acc50",
        QuestionTask.BoxRelation => "box_rel_acc50",
        QuestionTask.BoxJson => "box_json_acc50",
        _ => task.ToString().ToLowerInvariant(),
    };

    public static JsonObject Create(IReadOnlyList<Scored> answers)
    {
        var json = new JsonObject();
        foreach (var group in answers.GroupBy(a => a.Question.Task).OrderBy(g => g.Key))
        {
            var (n, right) = (group.Count(), group.Count(a => a.Right));
            var key = Key(group.Key);
            json[key] = Math.Round((double)right / n, 4);
            json[$"n_{key}"] = n;
            json[$"ci95_{key}"] = Interval(right, n);
            if (group.Key != QuestionTask.Box) continue;
            var mean = group.Average(a => a.Iou);
            var error = Z * Math.Sqrt(group.Sum(a => Math.Pow(a.Iou - mean, 2)) / Math.Max(1, n - 1) / n);
            json["box_miou"] = Math.Round(mean, 4);
            json["n_box_miou"] = n;
            json["ci95_box_miou"] = new JsonArray(Math.Round(mean - error, 4), Math.Round(mean + error, 4));
        }

        return json;
    }

    private static JsonArray Interval(int right, int n)
    {
        var p = (double)right / n;
        var centre = (p + Z * Z / (2 * n)) / (1 + Z * Z / n);
        var half = Z * Math.Sqrt(p * (1 - p) / n + Z * Z / (4.0 * n * n)) / (1 + Z * Z / n);
        return new JsonArray(Math.Round(Math.Max(0, centre - half), 4), Math.Round(Math.Min(1, centre + half), 4));
    }
}
