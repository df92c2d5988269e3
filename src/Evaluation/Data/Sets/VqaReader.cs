using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>
/// VQAv2 (val), OK-VQA (val), TextVQA (val) and VizWiz (val): Parquet, VLMEvalKit's TSV, InternVL's JSON lines, or the original JSON with
/// an image folder. Parts whose answers are on a server cannot be scored here.
/// </summary>
internal sealed class VqaReader(VqaReader.Kind kind) : IDataSetReader
{
    /// <summary>Which of them.</summary>
    internal enum Kind
    {
        VqaV2,
        OkVqa,
        TextVqa,
        VizWiz,
    }

    private const string CocoImage = "COCO_val2014_{0:000000000000}.jpg";

    /// <inheritdoc/>
    public string Name => kind.ToString().ToLowerInvariant();

    /// <inheritdoc/>
    public string? Repository =>
        kind switch { Kind.VqaV2 => "lmms-lab/VQAv2", Kind.OkVqa => "lmms-lab/OK-VQA", Kind.TextVqa => "lmms-lab/textvqa",
            _ => "lmms-lab/VizWiz-VQA" };

    private string Split => kind switch { Kind.VqaV2 or Kind.TextVqa => "validation", _ => "val" };

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => [kind == Kind.OkVqa ? "val2014-" : Split + "-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Published.Rows(path, null, Split, reader.Problems) is { } rows)
        {
            reader.Add(rows, row =>
            {
                var bytes = row.Image("image");
                var answers = row.TextOrNull("answer", "answers") is { } text && text.StartsWith('[') ? PythonLiteral.Strings(text)
                    : row.Answers("answers", "answer");
                return Sample(request, row.Text("question_id", "index", "id"), row.TextOrNull("image_id", "image_index")
                    ?? row.Text("question_id", "index", "id"), () => bytes, row.Text("question"), answers, Ocr(row));
            });
        }
        else if (Published.Only(path, "*.jsonl", f => File.Exists(path) || IsVal(f)) is { } lines) ReadLines(reader, path, lines, request);
        else ReadOriginal(reader, path, request);
        var rules = request.Style == PromptStyle.Qwen ? "VLMEvalKit's rules; answers go through its normalisation"
            : IsServers(request.Style) ? "the VQA server's rules, of answers as LLaVA uploads them: through EvalAI's normalisation"
            : "the EvalAI rules; answers go through its normalisation";
        return reader.Build(request, (s, a) => new SampleScore(Score(request.Style, s, a)), [$"Soft accuracy by {rules}."]);
    }

    private bool IsServers(PromptStyle style) => kind == Kind.VqaV2 && style == PromptStyle.Llava;

    // The server looks at case only where the ten answers differ; LLaVA's converter has lower-cased before.
    private double Score(PromptStyle style, EvaluationSample s, string answer) => style == PromptStyle.Qwen
        ? VqaAccuracy.VlmEvalKit(answer, s.Answers)
        : IsServers(style) ? VqaAccuracy.Official(VqaText.EvalAi(answer), s.Answers) : VqaAccuracy.EvalAi(answer, s.Answers);

    // The folder of converted lines holds those of other parts too.
    private static bool IsVal(string file) =>
        file.StartsWith("val", StringComparison.OrdinalIgnoreCase) || file.Contains("_val", StringComparison.OrdinalIgnoreCase);

    // Either LLaVA's questions (text holds the whole prompt) or InternVL's lines (one of the ten answers inside); the answers that count
    // come from the original file.
    private void ReadLines(SampleReader reader, string path, string lines, DataRequest request)
    {
        var folders = Published.Folders(path);
        var answers = kind == Kind.TextVqa && Published.Find(path, "TextVQA_*_val.json") is { } original
            ? JsonRows.Items(original, "data").GroupBy(r => (r.Text("image_id"), PythonText.Lower(r.Text("question"))))
            .ToDictionary(g => g.Key, g => g.First().Answers("answers")) : null;
        var annotated = Published.Find(folders[0], AnnotationsFile) is { } file
            ? JsonRows.Items(file, "annotations").GroupBy(r => r.Text("question_id")).ToDictionary(g => g.Key, g => g.First()) : [];
        reader.Add(JsonRows.Lines(lines, reader.Problems), row =>
        {
            var image = row.Text("image");
            if (row.TextOrNull("text") is not { } prompt)
                return Sample(request, row.Text("question_id"), image, reader.Converted(folders, image), row.Text("question"),
                    Ten(row, annotated), null);
            var question = TextVqaPrompts.Question(prompt);
            var key = (row.Text("question_id"), question);
            if (answers?.GetValueOrDefault(key) is not { } found)
                throw new RowException($"no annotation for image {key.Item1} and its question");
            return Sample(request, $"{key.Item1}-{question}", image, reader.File(folders, image), question, found,
                null) with { Prompt = prompt };
        });
    }

    private string AnnotationsFile => kind switch
    {
        Kind.VqaV2 => "v2_mscoco_val2014_annotations.json",
        Kind.OkVqa => "mscoco_val2014_annotations.json",
        Kind.TextVqa => "textvqa_val_annotations.json",
        _ => "vizwiz_val_annotations.json",
    };

    // Soft accuracy leaves one answer out at a time: of a single one nothing would be left, and every answer would be wrong.
    private List<string> Ten(DataRow row, Dictionary<string, DataRow> annotated)
    {
        var answers = (annotated.GetValueOrDefault(row.Text("question_id")) ?? row).Answers("answers", "answer");
        return answers.Count > 1 ? answers
            : throw new RowException($"one answer, where the score needs those of ten people: {AnnotationsFile} is not beside it, or " +
                "does not know the question");
    }

    private void ReadOriginal(SampleReader reader, string path, DataRequest request)
    {
        var folders = Published.Folders(path);
        switch (kind)
        {
            case Kind.TextVqa:
                reader.Add(JsonRows.Items(Published.Require(path, "TextVQA_*_val.json", Name), "data"), row =>
                    Sample(request, row.Text("question_id"), row.Text("image_id"), reader.File(folders, row.Text("image_id") + ".jpg"),
                        row.Text("question"), row.Answers("answers"), Ocr(row)));
                break;
            case Kind.VizWiz:
                reader.Add(JsonRows.Items(Published.Require(path, "val.json", Name)), row =>
                    Sample(request, row.Text("image"), row.Text("image"), reader.File(folders, row.Text("image")), row.Text("question"),
                        row.Answers("answers"), null));
                break;
            default:
                var questions = kind == Kind.VqaV2 ? "v2_OpenEnded_mscoco_val2014_questions.json"
                    : "OpenEnded_mscoco_val2014_questions.json";
                var answers = JsonRows.Items(Published.Require(path, AnnotationsFile, Name), "annotations")
                    .ToDictionary(r => r.Text("question_id"), r => r);
                reader.Add(JsonRows.Items(Published.Require(path, questions, Name), "questions"), row =>
                {
                    if (!answers.TryGetValue(row.Text("question_id"), out var annotation))
                        throw new RowException($"no annotation for question {row.Text("question_id")}");
                    var image = string.Format(System.Globalization.CultureInfo.InvariantCulture, CocoImage, row.Whole("image_id"));
                    return Sample(request, row.Text("question_id"), image, reader.File(folders, image), row.Text("question"),
                        annotation.Answers("answers"), null) with { Category = annotation.TextOrNull("answer_type") ?? "" };
                });
                break;
        }
    }

    private static List<string>? Ocr(DataRow row) => row.Find("ocr_tokens") is IReadOnlyList<object?>
        ? row.Find("ocr_tokens") is IReadOnlyList<object?> { Count: > 0 } ? row.Texts("ocr_tokens") : [] : null;

    private EvaluationSample Sample(
        DataRequest request, string id, string image, Func<byte[]> read, string question, List<string> answers, List<string>? ocr) => new()
    {
        Id = id, Task = Name, ImageKey = image, ReadImage = read, Question = question, Answers = answers,
            MaxNewTokens = AnswerLimits.Most(request.Style, 128, 10),
        Prompt = kind switch
        {
            Kind.VizWiz => Wording.Answerable(request.Style, question),
            Kind.OkVqa when request.Style == PromptStyle.Llava => Wording.Answerable(request.Style, question),
            Kind.TextVqa when request.Style == PromptStyle.Llava => TextVqaPrompts.Lmms(question, ocr),
            _ => Wording.Short(request.Style, question),
        },
    };
}
