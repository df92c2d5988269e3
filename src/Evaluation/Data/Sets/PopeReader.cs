using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>POPE: <c>coco_pope_{random,popular,adversarial}.json</c> (JSON lines) with COCO's val2014 images, Parquet, or TSV.</summary>
internal sealed class PopeReader : IDataSetReader
{
    private const string MeanF1 = "mean F1, %";
    private static readonly string[] Categories = ["random", "popular", "adversarial"];

    /// <inheritdoc/>
    public string Name => "pope";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/POPE";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => ["Full/"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Directory.Exists(path) && !ParquetRows.IsParquet(path) && Published.Find(path, "coco_pope_*.json") is not null)
        {
            var folders = Published.Folders(path);
            foreach (var category in Categories)
            {
                var file = Published.Require(path, $"coco_pope_{category}.json", Name);
                reader.Add(JsonRows.Lines(file, reader.Problems),
                    row => Sample(request, row, category, row.Text("image"), reader.File(folders, row.Text("image")), row.Text("text"),
                        row.Text("label")));
            }
        }
        else
        {
            var rows = Published.Rows(path, "Full", null, reader.Problems)
                ?? throw new FileNotFoundException(
                    $"{path} holds {Name} in none of the published layouts: neither Parquet, nor TSV, nor coco_pope_*.json.");
            reader.Add(rows, row =>
            {
                var bytes = row.Image("image");
                var categories = row.TextOrNull("category") ?? Categories.FirstOrDefault(row.Place.Contains)
                    ?? throw new RowException("no 'category'");
                var image = row.TextOrNull("image_source", "image_index") ?? row.Text("index", "id", "question_id");
                return categories.Split(',')
                    .Select(c => Sample(request, row, c.Trim(), image, () => bytes, row.Text("question"), row.Text("answer")));
            });
        }

        // What says neither yes nor no is a yes to the official parser: it counts, and is not read.
        return reader.Build(request, (s, a) => IsYes(request.Style, a) is var yes
            ? new SampleScore(yes == (s.Answers[0] == "yes") ? 1 : 0, null,
                request.Style == PromptStyle.Qwen ? yes is not null : Pope.SaysYesOrNo(a)) : default,
            [$"Answers by {(request.Style == PromptStyle.Qwen ? "VLMEvalKit's" : "the official")} parser; papers print the mean F1."],
            a => Figures(request.Style, a), MeanF1);
    }

    private EvaluationSample Sample(
        DataRequest request, DataRow row, string category, string image, Func<byte[]> read, string question, string label) => new()
    {
        Id = $"{category}-{row.Text("question_id", "index", "id")}", Task = Name, ImageKey = image, ReadImage = read, Question = question,
        Prompt = request.Style == PromptStyle.Qwen ? question : question + "\n" + Suffixes.Short,
        Answers = [PythonText.Lower(label.Trim()) is "yes" or "no" ? PythonText.Lower(label.Trim())
            : throw new RowException($"the label '{label}' is neither yes nor no")],
        Category = category, MaxNewTokens = AnswerLimits.Most(request.Style, 128, 10),
    };

    private static bool? IsYes(PromptStyle style, string answer) => style == PromptStyle.Qwen ? Pope.VlmEvalKitParse(answer)
        : Pope.IsYes(answer);

    private static Dictionary<string, double> Figures(PromptStyle style, IReadOnlyList<(EvaluationSample Sample, string Answer)> answers)
    {
        var categories = answers.GroupBy(a => a.Sample.Category)
            .ToDictionary(g => g.Key, g => YesNoFigures.Of(g.Select(a => (IsYes(style, a.Answer) == true, a.Sample.Answers[0] == "yes"))));
        var figures = new Dictionary<string, double> { [MeanF1] = Pope.MeanF1(categories.Values) };
        foreach (var (category, f) in categories) (figures[$"F1 {category}"], figures[$"yes {category}"]) = (f.F1, f.YesRatio);
        return figures;
    }
}
