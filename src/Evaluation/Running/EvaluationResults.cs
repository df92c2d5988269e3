using D2Pruner.AI.Evaluation.Data;

namespace D2Pruner.AI.Evaluation.Running;

/// <summary>All answers of a run, by data set and question.</summary>
internal sealed class EvaluationResults
{
    private readonly Dictionary<(string Data, string Id), SampleRecord> _records = [];

    /// <summary>Takes the lines of a run's file; several of one question add up, later answers win. Lines of
    /// other questions are left aside.</summary>
    public EvaluationResults(IReadOnlyList<EvaluationData> data, IEnumerable<SampleRecord> records)
    {
        Data = data;
        foreach (var record in records) Add(record);
    }

    /// <summary>The data sets.</summary>
    public IReadOnlyList<EvaluationData> Data { get; }

    /// <summary>Every question that has answers, in the data's order.</summary>
    public IEnumerable<(EvaluationData Data, EvaluationSample Sample, SampleRecord Record)> All =>
        Data.SelectMany(d => d.Samples.Select(s => (d, s, _records.GetValueOrDefault((d.Name, s.Id)))).Where(r => r.Item3 is not null)
            .Select(r => (r.d, r.s, r.Item3!)));

    /// <summary>A question's answers by condition; null if there are none yet.</summary>
    public IReadOnlyDictionary<string, SampleAnswer>? AnswersOf(string data, string id) => _records.GetValueOrDefault((data, id))?.Answers;

    /// <summary>Adds answers.</summary>
    public void Add(SampleRecord record)
    {
        if (!_records.TryGetValue((record.Data, record.Id), out var known))
            _records[(record.Data, record.Id)] = record with { Answers = new(record.Answers) };
        else foreach (var (key, answer) in record.Answers) known.Answers[key] = answer;
    }

    /// <summary>Questions that the unpruned model answers rightly and a condition wrongly: the largest
    /// losses of IoU first, then in order.</summary>
    public List<(EvaluationData Data, EvaluationSample Sample)> WorstLosses(Condition condition, int most) =>
    [
        .. All.Where(r => r.Record.Answers.TryGetValue(Condition.UnprunedName, out var full)
            && r.Record.Answers.TryGetValue(condition.Key, out var pruned) && full.Score > pruned.Score)
            .OrderByDescending(r => r.Record.Answers[Condition.UnprunedName].Score - r.Record.Answers[condition.Key].Score)
            .ThenByDescending(r => (r.Record.Answers[Condition.UnprunedName].Iou ?? 0) - (r.Record.Answers[condition.Key].Iou ?? 0))
            .Take(most).Select(r => (r.Data, r.Sample)),
    ];
}
