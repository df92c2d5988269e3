using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>ChartQA's test part: Parquet, TSV, or <c>test_human.json</c> and <c>test_augmented.json</c> with <c>png/</c>.</summary>
internal sealed class ChartQaReader : IDataSetReader
{
    /// <inheritdoc/>
    public string Name => "chartqa";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/ChartQA";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => ["test-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Published.Rows(path, null, "test", reader.Problems) is { } rows)
        {
            var number = 0;
            reader.Add(rows, row =>
            {
                var (id, bytes) = ($"{number++}", row.Image("image"));
                return Sample(request, row.TextOrNull("index", "id") ?? id, row.TextOrNull("image_index") ?? row.TextOrNull("index", "id")
                    ?? id, () => bytes, row.Text("question"), row.Texts("answer")[0],
                    row.TextOrNull("type", "split") ?? "");
            });
        }
        else
        {
            var folders = Published.Folders(path);
            foreach (var part in new[] { "human", "augmented" })
            {
                reader.Add(JsonRows.Items(Published.Require(path, $"test_{part}.json", Name)), row =>
                    Sample(request, row.Place, row.Text("imgname"), reader.File(folders, row.Text("imgname")), row.Text("query"),
                        row.Text("label"), part));
            }
        }

        return reader.Build(request, (s, a) => new SampleScore(ChartQa.Relaxed(a, s.Answers[0]) ? 1 : 0),
            ["Relaxed accuracy, 5% of the target; the figure with target and prediction exchanged, as some harnesses have it, beside it."],
            answers => new Dictionary<string, double> { ["exchanged, %"] = 100
                * answers.Average(a => ChartQa.Swapped(a.Answer, a.Sample.Answers) ? 1.0 : 0) });
    }

    private EvaluationSample Sample(
        DataRequest request, string id, string image, Func<byte[]> read, string question, string answer, string part) => new()
    {
        Id = id, Task = Name, ImageKey = image, ReadImage = read, Question = question, Answers = [answer],
            Category = part.Replace("_test", ""), MaxNewTokens = AnswerLimits.Most(request.Style, 16, 100),
        Prompt = request.Style == PromptStyle.Llava ? question + "\nAnswer the question with a single word."
        : Wording.Short(request.Style, question),
    };
}
