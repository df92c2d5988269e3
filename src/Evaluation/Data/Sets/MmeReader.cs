using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Data.Sets;

/// <summary>MME: the release's folders (one a category; two lines of question, tab, answer an image), Parquet, or TSV.</summary>
internal sealed class MmeReader : IDataSetReader
{
    private const string Total = "total";
    private static readonly string[] ImageEndings = [".jpg", ".png", ".jpeg"];

    /// <inheritdoc/>
    public string Name => "mme";

    /// <inheritdoc/>
    public string? Repository => "lmms-lab/MME";

    /// <inheritdoc/>
    public IEnumerable<string> FileParts(string split) => [];

    /// <inheritdoc/>
    public EvaluationData Read(string path, DataRequest request)
    {
        var reader = new SampleReader(Name);
        if (Published.Rows(path, null, null, reader.Problems) is { } rows)
        {
            var seen = new Dictionary<string, int>(StringComparer.Ordinal);
            reader.Add(rows, row =>
            {
                var (category, bytes) = (row.Text("category"), row.Image("image"));
                var image = row.TextOrNull("question_id", "image_path", "image_index") ?? row.Text("index");
                if (!image.StartsWith(category, StringComparison.Ordinal)) image = $"{category}/{image}";
                var number = seen[image] = seen.GetValueOrDefault(image) + 1;
                return Sample(request, $"{image}#{number}", category, image, row.Text("question"), row.Text("answer"), () => bytes);
            });
        }
        else
        {
            foreach (var category in Directory.GetDirectories(path).Order(StringComparer.Ordinal)) Folder(reader, request, category);
        }

        return reader.Build(request, (s, a) => Parse(request.Style, a) is var yesNo
            ? new SampleScore(yesNo == s.Answers[0] ? 1 : 0, null, yesNo is not ("other" or "")) : default,
            [$"Answers by {(request.Style == PromptStyle.Qwen ? "VLMEvalKit's" : "the tool's")} parser; scores in the figures of the " +
                "whole set."], a => Figures(request.Style, a), Total);
    }

    private static void Folder(SampleReader reader, DataRequest request, string folder)
    {
        var category = Path.GetFileName(folder);
        string[] folders = [folder, Path.Combine(folder, "images")];
        foreach (var text in Directory.GetFiles(folder, "*.txt", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var (name, number) = (Path.GetFileNameWithoutExtension(text), 0);
            var rows = RegularFile.ReadLines(text).Where(l => l.Length > 0)
                .Select(l => new DataRow(
                    $"{category}/{Path.GetFileName(text)} line {++number}",
                    new Dictionary<string, object?> { ["line"] = l, ["number"] = number }));
            reader.Add(rows, row =>
            {
                var parts = row.Text("line").Split('\t');
                if (parts.Length != 2 || PythonText.Lower(parts[1].Trim()) is not ("yes" or "no"))
                    throw new RowException("expected a question, a tab and Yes or No");
                var file = ImageEndings.Select(e => name + e).FirstOrDefault(f => folders.Any(d => File.Exists(Path.Combine(d, f))))
                    ?? name + ImageEndings[0];
                return Sample(request, $"{category}/{name}#{row.Whole("number")}", category, $"{category}/{name}", parts[0],
                    parts[1].Trim(), reader.File(folders, file));
            });
        }
    }

    private static EvaluationSample Sample(
        DataRequest request, string id, string category, string image, string question, string answer, Func<byte[]> read) => new()
    {
        Id = id, Task = "mme", ImageKey = image, ReadImage = read, Question = question, Prompt = Wording.Mme(request.Style, question),
            Answers = [PythonText.Lower(answer)], Category = category,
        MaxNewTokens = AnswerLimits.Most(request.Style, 128, 20),
    };

    private static string Parse(PromptStyle style, string answer) => style switch
    {
        PromptStyle.Qwen => Pope.VlmEvalKitParse(answer) switch { true => "yes", false => "no", null => "" },
        PromptStyle.InternVL => Mme.Parse(Mme.CleanInternVL(answer)),
        _ => Mme.Parse(answer),
    };

    private static Dictionary<string, double> Figures(PromptStyle style, IReadOnlyList<(EvaluationSample Sample, string Answer)> answers)
    {
        var items = answers.OrderBy(a => a.Sample.ImageKey, StringComparer.Ordinal)
            .Select(a => new MmeItem(
                a.Sample.Category, a.Sample.ImageKey!, a.Sample.Answers[0], style == PromptStyle.InternVL ? Mme.CleanInternVL(a.Answer)
                : a.Answer)).ToArray();
        var scores = style == PromptStyle.Qwen ? Mme.VlmEvalKit(items) : Mme.Official(items).ToDictionary(c => c.Key, c => c.Value.Score);
        var figures = new Dictionary<string, double> { ["perception"] = Mme.Sum(scores, true), ["cognition"] = Mme.Sum(scores, false),
            [Total] = scores.Values.Sum() };
        foreach (var (category, score) in scores) figures[category] = score;
        return figures;
    }
}
