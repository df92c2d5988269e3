using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>Unpruned figures that the paper prints (arXiv 2512.19443), of parts that can be scored here: those of a server's part (VQAv2
/// and VizWiz), and CIDEr whose part or digits are not told, are left out.</summary>
internal static class PublishedFigures
{
    /// <summary>In points: within it an unpruned figure counts as reproduced.</summary>
    public const double Tolerance = 0.3;

    private const string Llava = "llava-hf/llava-1.5-7b-hf";
    private const string LlavaNext = "llava-hf/llava-v1.6-vicuna-7b-hf";
    private const string Qwen = "Qwen/Qwen2.5-VL-7B-Instruct";
    private const string InternVL = "OpenGVLab/InternVL2_5-8B";
    private const double MmePoints = 2800.0 / 100; // MME's total goes to 2,800

    // Other editions of a set differ by a little more or less than a hundredth (POPE has 8,910 or 9,000 lines), other parts by far more.
    private const double SameSize = 0.02;

    private static readonly Dictionary<string, int> Questions = new(StringComparer.Ordinal)
    {
        ["gqa"] = 12578, ["mmbench_en"] = 4377, ["mmbench_cn"] = 4329, ["mme"] = 2374, ["pope"] = 9000, ["scienceqa"] = 4241,
        ["textvqa"] = 5000, ["ai2d"] = 3088, ["chartqa"] = 2500, ["docvqa"] = 5349, ["mmstar"] = 1500, ["okvqa"] = 5046,
        ["refcoco val"] = 10834, ["refcoco testA"] = 5657, ["refcoco testB"] = 5095, ["refcoco+ val"] = 10758,
        ["refcoco+ testA"] = 5726, ["refcoco+ testB"] = 4889, ["refcocog val"] = 4896, ["refcocog test"] = 9602,
    };

    private static readonly Row[] Rows =
    [
        new(Llava, "gqa", 61.9), new(Llava, "mmbench_en", 64.7), new(Llava, "mmbench_cn", 58.1), new(Llava, "mme", 1862),
        new(Llava, "pope", 85.9), new(Llava, "scienceqa", 69.5), new(Llava, "textvqa", 58.2), new(Llava, "refcoco val", 69.29),
        new(Llava, "refcoco testA", 77.07), new(Llava, "refcoco testB", 59.88),
        new(LlavaNext, "gqa", 64.2), new(LlavaNext, "mmbench_en", 67.4), new(LlavaNext, "mmbench_cn", 60.6),
        new(LlavaNext, "mme", 1851), new(LlavaNext, "pope", 86.5), new(LlavaNext, "scienceqa", 70.1, "with image, %"),
        new(LlavaNext, "textvqa", 64.9),
        new(Qwen, "ai2d", 74.1), new(Qwen, "chartqa", 77.4), new(Qwen, "docvqa", 91.0), new(Qwen, "mmstar", 58.4),
        new(Qwen, "mme", 2240), new(Qwen, "pope", 87.7), new(Qwen, "textvqa", 76.23),
        new(InternVL, "mme", 2349), new(InternVL, "pope", 90.49), new(InternVL, "okvqa", 64.56), new(InternVL, "refcoco val", 90.16),
        new(InternVL, "refcoco testA", 94.54), new(InternVL, "refcoco testB", 85.98), new(InternVL, "refcoco+ val", 85.05),
        new(InternVL, "refcoco+ testA", 91.56), new(InternVL, "refcoco+ testB", 78.77), new(InternVL, "refcocog val", 87.03),
        new(InternVL, "refcocog test", 87.72),
    ];

    /// <summary>The unpruned figures of whole sets that the model answered, beside what was published of a model of its shape.</summary>
    /// <param name="parameters">The model's parameters, which tell the published ones apart.</param>
    /// <param name="data">The data sets.</param>
    /// <param name="cells">The report's cells.</param>
    /// <param name="headlines">Its figures of whole sets.</param>
    public static IEnumerable<PublishedComparison> Compare(long parameters, IReadOnlyList<EvaluationData> data,
        IReadOnlyList<ReportCell> cells, IReadOnlyList<HeadlineFigure> headlines)
    {
        var model = KnownModels.All.FirstOrDefault(m => m.Parameters == parameters)?.Id;
        foreach (var set in data.Where(d => d.IsWhole))
        {
            var name = set.Name.StartsWith("refcoco", StringComparison.Ordinal) ? $"{set.Name} {set.Part}" : set.Name;
            if (Array.Find(Rows, r => r.Model == model && r.Data == name) is not { } row) continue;
            if (Math.Abs(set.Samples.Count - Questions[name]) > SameSize * Questions[name]) continue;
            var cell = cells.FirstOrDefault(c => c.Method == Condition.UnprunedName && c.Task == set.Name);
            if (cell is null || cell.Count != set.Samples.Count) continue;
            var figure = row.Figure ?? set.PaperFigure;
            var value = figure is null ? 100 * cell.Accuracy
                : headlines.First(h => (h.Data, h.Method, h.Name) == (set.Name, Condition.UnprunedName, figure)).Value;
            yield return new PublishedComparison(name, row.Model, figure ?? "accuracy, %", Math.Round(value, 6), row.Value,
                Math.Round(Tolerance * (set.Name == "mme" ? MmePoints : 1), 6));
        }
    }

    private sealed record Row(string Model, string Data, double Value, string? Figure = null);
}
