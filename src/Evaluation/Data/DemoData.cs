using D2Pruner.AI.Evaluation.Scenes;

namespace D2Pruner.AI.Evaluation.Data;

/// <summary>The demo model's drawn scenes: one question of each kind that a scene has. Understanding is existence, count, colour, shape and
/// relation; boxes are those by attributes and by relation.</summary>
internal sealed class DemoData : EvaluationData
{
    private static readonly QuestionTask[] Understanding =
        [QuestionTask.Existence, QuestionTask.Count, QuestionTask.Colour, QuestionTask.Shape, QuestionTask.Relation];
    private static readonly QuestionTask[] Grounding = [QuestionTask.Box, QuestionTask.BoxRelation];
    private readonly Dictionary<string, Question> _questions;

    private DemoData(Dictionary<string, Question> questions) => _questions = questions;

    /// <inheritdoc/>
    public override string Name => "demo";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes =>
    [
        "Drawn scenes: printed numbers (which the demo model cannot read), \"I can't tell\" and boxes as JSON are left out. It measures " +
            "pruning of a model that was trained for two hours on drawings; it says nothing about photographs or 7B models.",
    ];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, IReadOnlyList<string>> Groups { get; } = new Dictionary<string, IReadOnlyList<string>>
    {
        ["understanding"] = [.. Understanding.Select(Key)],
        ["boxes"] = [.. Grounding.Select(Key)],
    };

    /// <summary>Draws scenes.</summary>
    /// <param name="split">The split, part of every scene's seed: splits never meet.</param>
    /// <param name="seed">Seed within the split.</param>
    /// <param name="scenes">Number of scenes.</param>
    public static DemoData Create(Split split, ulong seed, int scenes)
    {
        var (samples, questions) = (new List<EvaluationSample>(), new Dictionary<string, Question>(StringComparer.Ordinal));
        for (var i = 0; i < scenes; i++)
        {
            foreach (var q in SceneCases.Questions(split, seed, i).Where(q => Understanding.Contains(q.Task) || Grounding.Contains(q.Task)))
            {
                var id = $"{split.ToString().ToLowerInvariant()}-{seed}-{i}-{Key(q.Task)}";
                questions[id] = q;
                samples.Add(new EvaluationSample
                {
                    Id = id,
                    Task = Key(q.Task),
                    ImageKey = $"{split.ToString().ToLowerInvariant()}-{seed}-{i}",
                    ReadImage = Draw(split, seed, i),
                    Prompt = q.Text,
                    Question = q.Text,
                    Answers = [q.Answer],
                    Box = q.Box is { } b ? [b.Left, b.Top, b.Right, b.Bottom] : null,
                    Width = Scene.Side,
                    Height = Scene.Side,
                });
            }
        }

        return new DemoData(questions) { Samples = samples };
    }

    /// <inheritdoc/>
    public override SampleScore Score(EvaluationSample sample, string answer)
    {
        var scored = Scored.Of(_questions[sample.Id], answer);
        return new SampleScore(scored.Right ? 1 : 0, sample.Box is null ? null : scored.Iou, sample.Box is null || scored.IsRead);
    }

    private static Func<byte[]> Draw(Split split, ulong seed, int index) => () => SceneCases.Image(split, seed, index);

    private static string Key(QuestionTask task) =>
        task switch { QuestionTask.BoxRelation => "box_rel", _ => task.ToString().ToLowerInvariant() };
}
