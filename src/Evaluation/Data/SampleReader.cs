using D2Pruner.AI.Evaluation.Data.Rows;
using D2Pruner.AI.Evaluation.Metrics;
using D2Pruner.AI.Evaluation.Scenes;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Evaluation.Data;

/// <summary>Turns rows into questions: rows that cannot be used are named and counted, images that
/// are not on disk end the reading.</summary>
internal sealed class SampleReader(string name)
{
    private readonly List<EvaluationSample> _samples = [];
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly List<string> _missing = [];

    /// <summary>What could not be used.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Reads rows; each gives any number of questions.</summary>
    public SampleReader Add(IEnumerable<DataRow> rows, Func<DataRow, IEnumerable<EvaluationSample>> read)
    {
        foreach (var row in rows)
        {
            try
            {
                EvaluationSample[] samples = [.. read(row)];
                foreach (var sample in samples)
                    _samples.Add(_ids.Add(sample.Id) ? sample : throw new RowException($"its id '{sample.Id}' stands there twice"));
            }
            catch (Exception e) when (e is RowException or FormatException or InvalidCastException or OverflowException)
            {
                Problems.Add($"{row.Place}: {e.Message}");
            }
        }

        return this;
    }

    /// <summary>Reads rows; each gives one question.</summary>
    public SampleReader Add(IEnumerable<DataRow> rows, Func<DataRow, EvaluationSample> read) =>
        Add(rows, r => (IEnumerable<EvaluationSample>)[read(r)]);

    /// <summary>An image file that a row names; a missing one is told at the end.</summary>
    /// <param name="folders">Where it may lie.</param>
    /// <param name="file">Its relative path.</param>
    public Func<byte[]> File(IEnumerable<string> folders, string file)
    {
        foreach (var folder in folders)
        {
            var path = Path.Combine(folder, file);
            if (System.IO.File.Exists(path)) return () => RegularFile.ReadAllBytes(path, ImageLimits.Default.MaxBytes);
        }

        _missing.Add(file);
        return () => throw new FileNotFoundException($"The image {file} is not there.");
    }

    /// <summary>An image of a file that was converted for InternVL's scripts: they name it as data/coco/train2014/NAME, of which the last
    /// part is enough.</summary>
    /// <param name="folders">Where it may lie.</param>
    /// <param name="image">The path as it stands in the row.</param>
    public Func<byte[]> Converted(IReadOnlyList<string> folders, string image) =>
        folders.Any(f => System.IO.File.Exists(Path.Combine(f, image))) ? File(folders, image) : File(folders, Path.GetFileName(image));

    /// <summary>The data set.</summary>
    /// <exception cref="FileNotFoundException">Images are missing.</exception>
    /// <exception cref="InvalidDataException">No row can be used.</exception>
    public LoadedData Build(DataRequest request, Func<EvaluationSample, string, SampleScore> score, IReadOnlyList<string>? notes = null,
        Func<IReadOnlyList<(EvaluationSample Sample, string Answer)>, IReadOnlyDictionary<string, double>>? figures = null,
        string? paperFigure = null)
    {
        if (_missing.Count > 0)
            throw new FileNotFoundException(
                $"{name}: {_missing.Count} images that its rows name are not on disk, the first is {_missing[0]}; a data set is " +
                "evaluated whole or not at all.");
        if (_samples.Count == 0) throw new InvalidDataException($"{name}: no row can be used. {string.Join("; ", Problems.Take(3))}");
        var asPublished = request.Style == PromptStyle.Llava && !request.AsServed;
        EvaluationSample[] samples = [.. Sample(request).Select(s => s with
        {
            MinNewTokens = Math.Max(s.MinNewTokens, AnswerLimits.Fewest(request.Style)), AsPublished = asPublished,
        })];
        var remarks = new List<string>(notes ?? []);
        if (asPublished) remarks.Add("LLaVA-1.5 is asked with Vicuna's system line and sees images padded to a square.");
        if (samples.Length < _samples.Count)
            remarks.Add($"A sample of {samples.Length} of {_samples.Count} questions (whole images, seed {request.Seed}).");
        // LLaVA's, lmms-eval's and InternVL's code strips an answer before it is scored, VLMEvalKit's does not.
        var strips = request.Style != PromptStyle.Qwen;
        return new LoadedData(name, strips ? (s, a) => score(s, PythonText.Strip(a)) : score)
        {
            Samples = samples, Problems = Problems, Remarks = remarks, PaperFigure = paperFigure, Part = request.Split,
            IsWhole = samples.Length == _samples.Count,
            Figures = strips && figures is not null
                ? answers => figures([.. answers.Select(a => (a.Sample, PythonText.Strip(a.Answer)))]) : figures,
        };
    }

    // Whole images in a seeded order until there are enough; then in the order of the set, an image's questions together.
    private List<EvaluationSample> Sample(DataRequest request)
    {
        var groups = _samples.GroupBy(s => s.ImageKey ?? s.Id, StringComparer.Ordinal).Select(g => g.ToArray()).ToArray();
        if (_samples.Count <= request.Limit) return [.. groups.SelectMany(g => g)];
        int[] order = [.. Enumerable.Range(0, groups.Length)];
        new Rng(request.Seed, 0x5A).Shuffle(order.AsSpan());
        var (chosen, count) = (new List<int>(), 0);
        foreach (var i in order)
        {
            if (count >= request.Limit) break;
            chosen.Add(i);
            count += groups[i].Length;
        }

        return [.. chosen.Order().SelectMany(i => groups[i])];
    }
}
