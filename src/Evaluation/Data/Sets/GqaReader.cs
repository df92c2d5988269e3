using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>GQA testdev-balanced: Parquet (questions and images apart, joined by image id), TSV, or
/// <c>testdev_balanced_questions.json</c> with an image folder.</summary>
internal sealed class GqaReader : IDataSetReader
{
    /// <inheritdoc/>
    public string Name => "gqa";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/GQA";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => ["testdev_balanced_"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Directory.Exists(path) && ParquetRows.IsParquet(path))
        {
            var images = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            foreach (var row in ParquetRows.Read(path, "testdev_balanced_images", null)) images[row.Text("id")] = row.Image("image");
            reader.Add(ParquetRows.Read(path, "testdev_balanced_instructions", null), row =>
            {
                var id = row.Text("imageId");
                return Sample(request, row, id, images.TryGetValue(id, out var bytes) ? () => bytes : reader.File([], id));
            });
        }
        else if (Published.Rows(path, null, null, reader.Problems) is { } tsv)
        {
            reader.Add(tsv, row => row.Image("image") is var bytes
                ? Sample(request, row, row.TextOrNull("image_index") ?? row.Text("index"), () => bytes)
                : throw new RowException("no image"));
        }
        else
        {
            var folders = Published.Folders(path);
            reader.Add(JsonRows.Properties(Published.Require(path, "testdev_balanced_questions.json", Name)),
                row => Sample(request, row, row.Text("imageId"), reader.File(folders, row.Text("imageId") + ".jpg")));
        }

        var official = request.Style != PromptStyle.Qwen;
        return reader.Build(request,
            (s, a) => new SampleScore((official ? GqaMatch.Official(a, s.Answers[0]) : GqaMatch.VlmEvalKit(a, s.Answers[0])) ? 1 : 0),
            [official ? "Official equality of short answers." : "VLMEvalKit's equality of short answers."]);
    }

    private EvaluationSample Sample(DataRequest request, DataRow row, string image, Func<byte[]> read) => new()
    {
        Id = row.Text("id", "index", "question_id"), Task = Name, ImageKey = image, ReadImage = read, Question = row.Text("question"),
            Prompt = Wording.Short(request.Style, row.Text("question")),
        Answers = [row.Text("answer")], MaxNewTokens = AnswerLimits.Most(request.Style, 128, 10),
    };
}
