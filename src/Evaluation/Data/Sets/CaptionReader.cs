using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>NoCaps (val) and Flickr30k (Karpathy's test part): COCO-style JSON with an image folder, or Parquet. An answer's score is its
/// image's CIDEr-D against the references that were read.</summary>
internal sealed class CaptionReader(bool flickr) : IDataSetReader
{
    /// <inheritdoc/>
    public string Name => flickr ? "flickr30k" : "nocaps";

    /// <inheritdoc/>
    public string? Repository => flickr ? "lmms-lab/flickr30k" : "lmms-lab/NoCaps";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => [flickr ? "test-" : "validation-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Published.Rows(path, null, flickr ? "test" : "validation", reader.Problems) is { } rows)
        {
            reader.Add(rows, row =>
            {
                var (id, bytes) = (row.Text("img_id", "image_id", "index"), row.Image("image"));
                return Sample(request, id, () => bytes, row.Texts("annotations_captions", "caption", "answer"));
            });
        }
        else
        {
            var file = Published.Require(path, flickr ? "flickr30k_test_karpathy.json" : "nocaps_val_*.json", Name);
            var folders = Published.Folders(path);
            var captions = JsonRows.Items(file, "annotations").GroupBy(r => r.Text("image_id"))
                .ToDictionary(g => g.Key, g => g.Select(r => r.Text("caption")).ToList());
            reader.Add(JsonRows.Items(file, "images"), row =>
                captions.TryGetValue(row.Text("id"), out var references)
                    ? Sample(request, row.Text("id"), reader.File(folders, row.TextOrNull("file_name") ?? $"{row.Text("id")}.jpg"),
                        references) : throw new RowException($"image {row.Text("id")} has no caption"));
        }

        Lazy<CiderSet>? set = null;
        Dictionary<string, int>? places = null;
        var data = reader.Build(request, (s, a) => new SampleScore(set!.Value.Score(places![s.Id], PtbTokenizer.Tokenize(a))),
            ["CIDEr-D after PTB tokens, a plain number per image (1.16 is printed as 116 by some). Document frequencies are those of the " +
                "references read: a subset compares with nothing."]);
        places = data.Samples.Select((s, i) => (s.Id, i)).ToDictionary(p => p.Id, p => p.i, StringComparer.Ordinal);
        set = new Lazy<CiderSet>(
            () => new CiderSet([.. data.Samples.Select(
                s => (IReadOnlyList<string>)[
                    .. s.Answers.Select((r, i) => PtbTokenizer.Tokenize(r, i + 1 < s.Answers.Count ? s.Answers[i + 1] : null))])]));
        return data;
    }

    private EvaluationSample Sample(DataRequest request, string id, Func<byte[]> read, List<string> references) => new()
    {
        Id = id, Task = Name, ImageKey = id, ReadImage = read, Question = Suffixes.Caption, Prompt = Suffixes.Caption, Answers = references,
            MaxNewTokens = AnswerLimits.Most(request.Style, 64, 30), MinNewTokens = request.Style == PromptStyle.InternVL ? 8 : 0,
    };
}
