using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>MMStar's val part: Parquet (options inside the question) or TSV (options in columns).</summary>
internal sealed class MmStarReader : IDataSetReader
{
    private const string Macro = "macro mean, %";
    private static readonly string[] Inside = ["A", "B", "C", "D"]; // options inside the question

    /// <inheritdoc/>
    public string Name => "mmstar";

    /// <inheritdoc/>
    public string? Repository => "Lin-Chen/MMStar";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => [];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        var rows = Published.Rows(path, null, null, reader.Problems)
            ?? throw new FileNotFoundException($"{path} holds {Name} neither as Parquet nor as TSV.");
        reader.Add(rows, row =>
        {
            var (id, bytes, question) = (row.Text("index"), row.Image("image"), row.Text("question"));
            var columns = Published.HasOptionColumns(row);
            var options = columns ? Published.OptionColumns(row) : [];
            return new EvaluationSample
            {
                Id = id, Task = Name, ImageKey = row.TextOrNull("image_index") ?? id, ReadImage = () => bytes, Question = question,
                    Options = options,
                Prompt = columns ? Wording.Choice(request.Style, null, question, options)
                : PythonText.Strip(question) + "\n" + Suffixes.Letter.TrimEnd('.'),
                Answers = [Published.OptionLetter(row.Text("answer"), row, columns ? options : Inside)],
                Category = row.TextOrNull("category") ?? "", Category2 = row.TextOrNull("l2_category", "l2-category") ?? "",
                MaxNewTokens = columns ? AnswerLimits.Most(request.Style, 16, 16) : 16,
            };
        });
        return reader.Build(request, (s, a) => Letter(request.Style, s, a) is var letter
            ? new SampleScore(letter == s.Answers[0] ? 1 : 0, null, letter is not (null or "Z")) : default,
            [request.Style == PromptStyle.Qwen ? "Letters by VLMEvalKit's rules."
                : "Letters by lmms-eval's parser since 2026-04; the one before it in the figures."],
                answers => new Dictionary<string, double>
            {
                [Macro] = 100 * MmStar.MacroMean(
                    answers.Select(a => (a.Sample.Category2, Letter(request.Style, a.Sample, a.Answer) == a.Sample.Answers[0] ? 1.0 : 0))),
                ["lmms-eval before 2026-04, %"] = 100 * answers.Average(a => MmStar.Before202604(a.Answer, a.Sample.Answers[0]) ? 1.0 : 0),
            }, request.Style == PromptStyle.Qwen ? null : Macro);
    }

    private static string? Letter(PromptStyle style, EvaluationSample s, string answer) =>
        style == PromptStyle.Qwen && s.Options.Count > 0 ? MmStar.VlmEvalKit(answer, s.Options) : MmStar.Letter(answer);
}
