using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>AI2D's test part: Parquet or TSV.</summary>
internal sealed class Ai2dReader : IDataSetReader
{
    /// <inheritdoc/>
    public string Name => "ai2d";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/ai2d";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => ["test-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        var rows = Published.Rows(path, null, "test", reader.Problems)
            ?? throw new FileNotFoundException($"{path} holds {Name} neither as Parquet nor as TSV.");
        var number = 0;
        reader.Add(rows, row =>
        {
            var (id, bytes, options) =
                ($"{number++}", row.Image("image"), row.Has("options") ? row.Texts("options") : Published.OptionColumns(row));
            return new EvaluationSample
            {
                Id = row.TextOrNull("index", "id") ?? id, Task = Name, ImageKey = row.TextOrNull("image_index")
                    ?? row.TextOrNull("index", "id") ?? id, ReadImage = () => bytes,
                Question = row.Text("question"), Prompt = Wording.Choice(request.Style, null, row.Text("question"), options),
                Options = options,
                Answers = [Published.OptionLetter(row.Text("answer"), row, options)],
                MaxNewTokens = AnswerLimits.Most(request.Style, 16, 10),
            };
        });
        return reader.Build(request, (s, a) => request.Style switch
        {
            PromptStyle.Qwen => MmStar.VlmEvalKit(a, s.Options) is var letter
                ? new SampleScore(letter == s.Answers[0] ? 1 : 0, null, letter != "Z") : default,
            PromptStyle.InternVL => new SampleScore(Ai2d.InternVL(a, s.Answers[0]) ? 1 : 0),
            _ => new SampleScore(Ai2d.Lmms(a, s.Answers[0][0] - 'A') ? 1 : 0),
        }, [$"Letters by {Rules(request.Style)}."]);
    }

    private static string Rules(PromptStyle style) => style switch
    {
        PromptStyle.Qwen => "VLMEvalKit's rules",
        PromptStyle.InternVL => "InternVL's strict equality",
        _ => "lmms-eval's filter",
    };
}
