namespace D2Pruner.AI.Evaluation.Data;

/// <summary>A data set that was read: its questions and how answers are scored.</summary>
public abstract class EvaluationData
{
    /// <summary>Name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>The questions, in the data set's order; those of one image stand together.</summary>
    public required IReadOnlyList<EvaluationSample> Samples { get; init; }

    /// <summary>Rows that could not be used, each with its place and what is wrong with it.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Notes for the report: parser, prompt form, what differs from the published set.</summary>
    public virtual IReadOnlyList<string> Notes => [];

    /// <summary>Names under which several tasks are pooled in tables.</summary>
    public virtual IReadOnlyDictionary<string, IReadOnlyList<string>> Groups => new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Which of <see cref="Headline"/>'s figures stands for the set in the paper's tables; null where that is the mean of the
    /// scores.</summary>
    internal string? PaperFigure { get; init; }

    /// <summary>The part that was asked for; null of what is drawn.</summary>
    internal string? Part { get; init; }

    /// <summary>Whether all questions of the files are in it, not a sample of them.</summary>
    internal bool IsWhole { get; init; }

    /// <summary>Scores one answer by the official rules.</summary>
    /// <param name="sample">The question.</param>
    /// <param name="answer">The model's text.</param>
    public abstract SampleScore Score(EvaluationSample sample, string answer);

    /// <summary>The figures that papers print for the whole set, by name; empty where that is the mean of the scores.</summary>
    /// <param name="answers">All questions that were answered, with their answers.</param>
    public virtual IReadOnlyDictionary<string, double> Headline(IReadOnlyList<(EvaluationSample Sample, string Answer)> answers) =>
        new Dictionary<string, double>();
}
