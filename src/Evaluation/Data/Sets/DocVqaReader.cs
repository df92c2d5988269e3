using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>DocVQA's val part: Parquet, TSV, or <c>val_v1.0*.json</c> with <c>documents/</c>.</summary>
internal sealed class DocVqaReader : IDataSetReader
{
    /// <inheritdoc/>
    public string Name => "docvqa";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/DocVQA";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => ["DocVQA/", "validation-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Published.Rows(path, "DocVQA", "validation", reader.Problems) is { } rows)
        {
            reader.Add(rows, row =>
            {
                var (id, bytes) = (row.Text("questionId", "index", "question_id"), row.Image("image"));
                var answers = row.TextOrNull("answer", "answers") is { } text && text.StartsWith('[') ? PythonLiteral.Strings(text)
                    : row.Answers("answers", "answer");
                return Sample(request, id, row.TextOrNull("docId", "image_index") ?? id, () => bytes, row.Text("question"), answers);
            });
        }
        else
        {
            var folders = Published.Folders(path);
            reader.Add(JsonRows.Items(Published.Require(path, "val_v1.0*.json", Name), "data"), row =>
                Sample(request, row.Text("questionId"), row.Text("image"), reader.File(folders, Path.GetFileName(row.Text("image"))),
                    row.Text("question"), row.Answers("answers")));
        }

        return reader.Build(request,
            (s, a) => new SampleScore(Anls.Score(a, s.Answers)),
            ["ANLS, threshold 0.5."]);
    }

    private EvaluationSample Sample(
        DataRequest request, string id, string image, Func<byte[]> read, string question, List<string> answers) => new()
    {
        Id = id, Task = Name, ImageKey = image, ReadImage = read, Question = question, Prompt = Wording.Short(request.Style, question),
            Answers = answers,
        MaxNewTokens = AnswerLimits.Most(request.Style, 32, 100),
    };
}
