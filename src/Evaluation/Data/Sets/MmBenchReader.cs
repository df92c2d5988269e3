using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>MMBench, English or Chinese: TSV or Parquet of the dev part, whose answers are public. A question stands there
/// once per rotation of its options.</summary>
internal sealed class MmBenchReader(bool chinese) : IDataSetReader
{
    private const long BaseRows = 1_000_000;
    private const string Circular = "circular accuracy, %";

    /// <inheritdoc/>
    public string Name => chinese ? "mmbench_cn" : "mmbench_en";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/MMBench";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => [chinese ? "cn/" : "en/", "dev-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        var rows = Published.Rows(path, chinese ? "cn" : "en", "dev", reader.Problems)
            ?? throw new FileNotFoundException($"{path} holds {Name} neither as TSV nor as Parquet.");
        reader.Add(rows.Select(WithoutNan), row =>
        {
            var (index, options, bytes) = (row.Whole("index"), Published.OptionColumns(row), row.Image("image"));
            return new EvaluationSample
            {
                Id = $"{index}", Task = Name, ImageKey = $"{index % BaseRows}", ReadImage = () => bytes, Question = row.Text("question"),
                Prompt = Wording.Choice(request.Style, row.TextOrNull("hint"), row.Text("question"), options, chinese), Options = options,
                Answers = [Published.OptionLetter(row.Text("answer"), row, options)],
                Category = row.TextOrNull("category") ?? "",
                Category2 = row.TextOrNull("l2-category", "L2-category", "l2_category") ?? "",
                MaxNewTokens = AnswerLimits.Most(request.Style, 1024, 128),
            };
        });
        return reader.Build(request, (s, a) => Letter(s, a) is var letter
            ? new SampleScore(letter == s.Answers[0] ? 1 : 0, null, letter is not null) : default,
            ["Letters by VLMEvalKit's rules without a judge; rows count alone in cells, all rotations together in the circular figure."],
            Figures, Circular);
    }

    // The Parquet files were written from pandas: where nothing stands, the word does.
    private static DataRow WithoutNan(DataRow row) => row with
    {
        Fields = row.Fields.ToDictionary(f => f.Key, f => f.Value is PandasMissing.Nan ? null : f.Value, StringComparer.Ordinal),
    };

    private static string? Letter(EvaluationSample s, string answer) => MmBench.InferVlmEvalKit(answer, OptionLetters.Of(s.Options));

    private static Dictionary<string, double> Figures(IReadOnlyList<(EvaluationSample Sample, string Answer)> answers)
    {
        MmBenchRow[] rows = [.. answers.Select(
            a => new MmBenchRow(long.Parse(a.Sample.Id), a.Sample.Answers[0], a.Answer, a.Sample.Category, a.Sample.Category2,
                OptionLetters.Of(a.Sample.Options)))];
        return new Dictionary<string, double>
        {
            [Circular] = 100 * MmBench.CircularVlmEvalKit(rows).Values.Average(),
            ["matched without a judge, %"] = 100.0 * answers.Count(a => Letter(a.Sample, a.Answer) is not null) / answers.Count,
        };
    }
}
