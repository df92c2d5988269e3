using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>ScienceQA's test part: Parquet, TSV, or <c>problems.json</c> and <c>pid_splits.json</c> with <c>images/test/ID/image.png</c>.
/// Questions without an image are asked without one.</summary>
internal sealed class ScienceQaReader : IDataSetReader
{
    /// <inheritdoc/>
    public string Name => "scienceqa";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/ScienceQA";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => ["ScienceQA-FULL/", "test-"];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Directory.Exists(path) && !ParquetRows.IsParquet(path) && Published.Find(path, "problems.json") is { } problems)
        {
            var wanted = Ids(Published.Require(path, "pid_splits.json", Name), "test");
            reader.Add(JsonRows.Properties(problems).Where(r => wanted.Contains(r.Text("id"))), row =>
            {
                var image = row.TextOrNull("image");
                return Sample(request, row, row.Text("id"), image is null ? null
                    : reader.File([path], Path.Combine("images", "test", row.Text("id"), image)), row.Texts("choices"), row.Text("answer"));
            });
        }
        else
        {
            var rows = Published.Rows(
                path, Directory.Exists(path) && Directory.GetDirectories(path, "ScienceQA-FULL*", SearchOption.AllDirectories).Length > 0
                ? "ScienceQA-FULL" : null, "test", reader.Problems)
                ?? throw new FileNotFoundException(
                    $"{path} holds {Name} in none of the published layouts: neither Parquet, nor TSV, nor problems.json.");
            var number = 0;
            reader.Add(rows, row =>
            {
                var bytes = row.ImageOrNull("image");
                var options = row.Has("choices") ? row.Texts("choices") : Published.OptionColumns(row);
                return Sample(request, row, row.TextOrNull("id", "index") ?? $"{number++}", bytes is null ? null
                    : () => bytes, options, row.Text("answer"));
            });
        }

        return reader.Build(request, (s, a) => Parsed(request.Style, s, a) is var letter
            ? new SampleScore(letter == s.Answers[0] ? 1 : 0, null, letter is not null) : default,
            [$"Letters by {Rules()}."], Figures);

        string Rules() => request.Style switch
        {
            PromptStyle.Qwen => "VLMEvalKit's rules without a judge",
            PromptStyle.InternVL => "InternVL's parser",
            _ => "LLaVA's parser",
        };

        Dictionary<string, double> Figures(IReadOnlyList<(EvaluationSample Sample, string Answer)> answers)
        {
            double Share(IEnumerable<(EvaluationSample Sample, string Answer)> some) =>
                100 * some.Select(a => Parsed(request.Style, a.Sample, a.Answer) == a.Sample.Answers[0] ? 1.0 : 0)
                .DefaultIfEmpty(0).Average();
            return new Dictionary<string, double> { ["total, %"] = Share(answers),
                ["with image, %"] = Share(answers.Where(a => a.Sample.ReadImage is not null)) };
        }
    }

    private EvaluationSample Sample(DataRequest request, DataRow row, string id, Func<byte[]>? read, List<string> options, string answer)
    {
        var hint = row.TextOrNull("hint") is { Length: > 0 } h ? request.Style == PromptStyle.Qwen ? h : $"Context: {h}" : null;
        return new EvaluationSample
        {
            Id = id, Task = Name, ImageKey = read is null ? null
                : id, ReadImage = read, Question = row.Text("question"),
                Prompt = Wording.Choice(request.Style, hint, row.Text("question"), options),
            Options = options, Answers = [Published.OptionLetter(answer, row, options)],
            MaxNewTokens = AnswerLimits.Most(request.Style, 1024, 128),
        };
    }

    private static string? Parsed(PromptStyle style, EvaluationSample s, string answer) => style switch
    {
        PromptStyle.Qwen => MmBench.InferVlmEvalKit(answer, OptionLetters.Of(s.Options)),
        PromptStyle.InternVL => ScienceQa.ParseInternVL(answer, s.Options),
        _ => ScienceQa.ParseLlava(PythonText.Strip(answer)) is var letter && ScienceQa.Index(letter, s.Options.Count) >= 0 ? letter : null,
    };

    private static HashSet<string> Ids(string path, string split)
    {
        using var json = System.Text.Json.JsonDocument.Parse(RegularFile.ReadAllBytes(path));
        if (!json.RootElement.TryGetProperty(split, out var ids)) throw new InvalidDataException($"{path} has no part '{split}'.");
        return [.. ids.EnumerateArray().Select(i => i.ToString())];
    }
}
