using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Evaluation.Statistics;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>Makes the report from a run's answers: nothing else goes into it, so a resumed run gives the same one.</summary>
internal static class ReportBuilder
{
    private const string Reference = "d2pruner";
    private const int Digits = 6;

    /// <summary>Builds the report.</summary>
    /// <param name="options">What was run.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="parameters">Its number of parameters, by which published models are known.</param>
    /// <param name="results">The answers.</param>
    /// <param name="refusals">What it cannot run.</param>
    public static EvaluationReport Build(
        EvaluationOptions options, string model, long parameters, EvaluationResults results, IReadOnlyList<Refusal> refusals)
    {
        var all = results.All.ToArray();
        var images = all.Select(r => Image(r.Data, r.Sample)).Distinct(StringComparer.Ordinal).ToArray();
        var place = images.Select((name, i) => (name, i)).ToDictionary(i => i.name, i => i.i, StringComparer.Ordinal);
        var resamples = new Resamples(images.Length, options.Resamples, options.Seed);
        var (cells, differences, notRun) = (new List<ReportCell>(), new List<PairedDifference>(), new List<string>());
        foreach (var condition in options.Conditions)
        {
            var answered = all.Count(r => r.Record.Answers.ContainsKey(condition.Key));
            var expected = options.Data.Sum(d => d.Samples.Count(s => condition.Method != MethodSettings.Oracle || s.Box is not null));
            var refused = refusals.Any(r => (r.Method, r.Keep, r.Layer) == (condition.Method, condition.Keep, condition.Layer));
            if (answered < expected && !refused) notRun.Add($"{condition.Key}: {answered} of {expected} questions");
            if (answered == 0) continue;
            foreach (var (task, members) in options.Data.SelectMany(Tasks))
            {
                var rows = all.Where(r => members.Contains((r.Data.Name, r.Sample.Task)) && r.Record.Answers.ContainsKey(condition.Key))
                    .Select(r => new Row(place[Image(r.Data, r.Sample)], r.Record.Answers)).ToArray();
                if (rows.Length == 0) continue;
                cells.Add(Cell(condition, task, rows, all[0].Record.VisualTokens, resamples));
                if (!condition.IsUnpruned)
                    differences.AddRange(
                        options.Against.Select(o => Difference(condition, o, task, rows, resamples)).OfType<PairedDifference>());
            }
        }

        HeadlineFigure[] headlines = [.. options.Data.SelectMany(d => options.Conditions.SelectMany(c => Headlines(d, c, all)))];
        return new EvaluationReport
        {
            Model = model,
            Seed = options.Seed,
            Resamples = options.Resamples,
            DefaultRule = MethodSettings.Describe(),
            Data = [.. options.Data.Select(d => Summary(d, all.Where(r => r.Data == d).Select(r => r.Sample).ToArray()))],
            Cells = Corrected(cells),
            Differences = differences,
            Costs = [.. options.Conditions.Select(c => Cost(c, all)).OfType<CostSummary>()],
            Headlines = headlines,
            Published = [.. PublishedFigures.Compare(parameters, options.Data, cells, headlines)],
            NotRun = notRun,
            CannotRun = refusals,
        };
    }

    /// <summary>Tasks of a data set and its groups, each with the tasks in it.</summary>
    private static IEnumerable<(string Name, HashSet<(string Data, string Task)> Members)> Tasks(EvaluationData data)
    {
        foreach (var task in data.Samples.Select(s => s.Task).Distinct(StringComparer.Ordinal)) yield return (task, [(data.Name, task)]);
        foreach (var (group, tasks) in data.Groups) yield return (group, [.. tasks.Select(t => (data.Name, t))]);
    }

    private static ReportCell Cell(Condition condition, string task, Row[] rows, int visualTokens, Resamples resamples)
    {
        var key = condition.Key;
        var accuracy = rows.Average(r => r.Answers[key].Score);
        var (low, high) = Resamples.Interval(Means(resamples, rows, r => r.Answers[key].Score));
        var full = rows.Where(r => r.Answers.ContainsKey(Condition.UnprunedName)).ToArray();
        var unpruned = full.Sum(r => r.Answers[Condition.UnprunedName].Score);
        double[] ious = [.. rows.Select(r => r.Answers[key].Iou).OfType<double>()];
        var cell = new ReportCell
        {
            Method = condition.Method,
            Keep = condition.IsUnpruned ? visualTokens : condition.Keep,
            Layer = condition.Layer,
            Task = task,
            Count = rows.Length,
            Accuracy = Math.Round(accuracy, Digits),
            AccuracyStrict = Math.Round(rows.Average(r => r.Answers[key].StrictScore), Digits),
            Low = Math.Round(low, Digits),
            High = Math.Round(high, Digits),
            Retention = unpruned > 0 ? Math.Round(full.Sum(r => r.Answers[key].Score) / unpruned, Digits) : null,
            MeanIou = ious.Length > 0 ? Math.Round(ious.Average(), Digits) : null,
            Unparsed = Math.Round((double)rows.Count(r => r.Answers[key].Parsed == false) / rows.Length, Digits),
        };
        var other = condition.IsUnpruned ? null : (condition with { Method = Reference }).Key;
        var pairs = other is null ? [] : rows.Where(r => r.Answers.ContainsKey(other)).ToArray();
        if (condition.Method == Reference) return cell with { MinusD2Pruner = 0, MinusLow = 0, MinusHigh = 0 };
        if (pairs.Length == 0) return cell;
        var (minus, minusLow, minusHigh) = Minus(pairs, key, other!, resamples);
        var binary = pairs.All(r => r.Answers[key].Score is 0 or 1 && r.Answers[other!].Score is 0 or 1);
        return cell with
        {
            MinusD2Pruner = minus,
            MinusLow = minusLow,
            MinusHigh = minusHigh,
            P = binary ? PairedTests.McNemar(
                pairs.Count(r => r.Answers[key].Score > r.Answers[other!].Score),
                pairs.Count(r => r.Answers[key].Score < r.Answers[other!].Score)) : null,
        };
    }

    private static PairedDifference? Difference(Condition condition, string minus, string task, Row[] rows, Resamples resamples)
    {
        var other = condition with { Method = minus };
        var pairs = rows.Where(r => r.Answers.ContainsKey(other.Key)).ToArray();
        if (other == condition || pairs.Length == 0) return null;
        var (difference, low, high) = Minus(pairs, condition.Key, other.Key, resamples);
        return new PairedDifference(condition.Method, minus, condition.Keep, condition.Layer, task, pairs.Length, difference, low, high);
    }

    private static (double Difference, double Low, double High) Minus(Row[] pairs, string key, string other, Resamples resamples)
    {
        double Of(Row r) => r.Answers[key].Score - r.Answers[other].Score;
        var (low, high) = Resamples.Interval(Means(resamples, pairs, Of));
        return (Math.Round(pairs.Average(Of), Digits), Math.Round(low, Digits), Math.Round(high, Digits));
    }

    private static double[] Means(Resamples resamples, Row[] rows, Func<Row, double> value)
    {
        var (sums, sizes) = (new double[resamples.Images], new int[resamples.Images]);
        foreach (var row in rows)
        {
            sums[row.Image] += value(row);
            sizes[row.Image]++;
        }

        return resamples.Means(sums, sizes);
    }

    private static List<ReportCell> Corrected(List<ReportCell> cells)
    {
        int[] tested = [.. Enumerable.Range(0, cells.Count).Where(i => cells[i].P is not null)];
        var adjusted = PairedTests.Holm([.. tested.Select(i => cells[i].P!.Value)]);
        for (var i = 0; i < tested.Length; i++) cells[tested[i]] = cells[tested[i]] with { PHolm = adjusted[i] };
        return cells;
    }

    private static CostSummary? Cost(Condition condition, (EvaluationData Data, EvaluationSample Sample, SampleRecord Record)[] all)
    {
        SampleAnswer[] answers = [.. all.Select(r => r.Record.Answers.GetValueOrDefault(condition.Key)).OfType<SampleAnswer>()];
        if (answers.Length == 0) return null;
        var both = all.Where(r => r.Record.Answers.ContainsKey(condition.Key) && r.Record.Answers.ContainsKey(Condition.UnprunedName))
            .Select(r => r.Record).ToArray();
        var limit = both.Length == 0 ? double.NaN
            : both.Sum(r => r.Answers[Condition.UnprunedName].Flops) / both.Sum(r => r.Answers[condition.Key].Flops);
        return new CostSummary(condition.Method, condition.IsUnpruned ? all[0].Record.VisualTokens
            : condition.Keep, condition.Layer, Math.Round(answers.Average(a => a.Kept), 2),
            Math.Round(answers.Average(a => a.TokensPerLayer), 2), Math.Round(answers.Average(a => a.Flops)), double.IsNaN(limit) ? 0
            : Math.Round(limit, 4), Math.Round(answers.Average(a => (double)a.KvBytes)));
    }

    private static IEnumerable<HeadlineFigure> Headlines(
        EvaluationData data, Condition condition, (EvaluationData Data, EvaluationSample Sample, SampleRecord Record)[] all)
    {
        var answered = all.Where(r => r.Data == data && r.Record.Answers.ContainsKey(condition.Key)).ToArray();
        var both = answered.Where(r => r.Record.Answers.ContainsKey(Condition.UnprunedName)).ToArray();
        var figures = Of(answered, condition.Key);
        var (mine, full) = (both.Length == answered.Length ? figures : Of(both, condition.Key), Of(both, Condition.UnprunedName));
        return figures.Select(f => new HeadlineFigure(data.Name, condition.Method,
            condition.IsUnpruned ? all[0].Record.VisualTokens : condition.Keep, condition.Layer, f.Key, Math.Round(f.Value, Digits))
        {
            Retention = full.GetValueOrDefault(f.Key) is var unpruned && unpruned > 0
                ? Math.Round(mine.GetValueOrDefault(f.Key) / unpruned, Digits) : null,
        });

        IReadOnlyDictionary<string, double> Of(
            (EvaluationData Data, EvaluationSample Sample, SampleRecord Record)[] rows, string key) => rows.Length == 0
            ? new Dictionary<string, double>() : data.Headline([.. rows.Select(r => (r.Sample, r.Record.Answers[key].Text))]);
    }

    private static DataSummary Summary(EvaluationData data, EvaluationSample[] answered) => new(
        data.Name, data.Samples.Count, data.Samples.Select(s => Image(data, s)).Distinct().Count(),
            [.. data.Samples.Select(s => s.Task).Distinct()], data.Groups, data.Problems,
        answered.Length == data.Samples.Count ? data.Notes
        : [.. data.Notes, $"{answered.Length} of {data.Samples.Count} questions have answers."]);

    private static string Image(EvaluationData data, EvaluationSample sample) => $"{data.Name}/{sample.ImageKey ?? sample.Id}";

    private sealed record Row(int Image, Dictionary<string, SampleAnswer> Answers);
}
