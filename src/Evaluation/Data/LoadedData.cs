namespace D2Pruner.AI.Evaluation.Data;

/// <summary>A data set read from files.</summary>
internal sealed class LoadedData(string name, Func<EvaluationSample, string, SampleScore> score) : EvaluationData
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notes => Remarks;

    /// <summary>Notes for the report.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>Whole-set figures.</summary>
    public Func<IReadOnlyList<(EvaluationSample Sample, string Answer)>, IReadOnlyDictionary<string, double>>? Figures { get; init; }

    /// <inheritdoc/>
    public override SampleScore Score(EvaluationSample sample, string answer) => score(sample, answer);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, double> Headline(IReadOnlyList<(EvaluationSample Sample, string Answer)> answers) =>
        Figures?.Invoke(answers) ?? base.Headline(answers);
}
