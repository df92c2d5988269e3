using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Evaluation.Reports;

/// <summary>Writes a report's files: <c>report.json</c>, <c>report.md</c>, <c>timings.json</c> and the plots.</summary>
internal static class ReportWriter
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>Writes all files.</summary>
    public static void Write(EvaluationReport report, EvaluationOptions options, EvaluationResults results)
    {
        var timings = Timings(options, results);
        AtomicFile.Write(Path.Combine(options.OutputFolder, "report.json"), JsonSerializer.Serialize(report, Json) + "\n");
        AtomicFile.Write(Path.Combine(options.OutputFolder, "timings.json"), JsonSerializer.Serialize(timings, Json) + "\n");
        AtomicFile.Write(Path.Combine(options.OutputFolder, "report.md"), Markdown(report, options, timings));
        if (!options.Draw) return;
        foreach (var task in Headings(report))
        {
            AtomicFile.Write(Path.Combine(options.OutputFolder, $"retention-{Plots.FileName(task)}.png"),
                Plots.Retention(report, task, options.Layers[0]));
            AtomicFile.Write(Path.Combine(options.OutputFolder, $"time-{Plots.FileName(task)}.png"),
                Plots.Time(report, timings, task, options.Layers[0]));
            if (options.Layers.Count > 1)
                AtomicFile.Write(Path.Combine(options.OutputFolder, $"depth-{Plots.FileName(task)}.png"),
                    Plots.Depth(report, task, options.Keep.Min()));
        }
    }

    /// <summary>Tasks that tables and plots show: groups where a data set has them, else its tasks.</summary>
    public static IEnumerable<string> Headings(EvaluationReport report) =>
        report.Data.SelectMany(d => d.Groups.Count > 0 ? d.Groups.Keys : d.Tasks);

    private static List<ConditionTiming> Timings(EvaluationOptions options, EvaluationResults results)
    {
        var all = results.All.ToArray();
        return [.. options.Conditions.Select(c =>
        {
            double[] ms = [.. all.Select(r => r.Record.Answers.GetValueOrDefault(c.Key)).OfType<SampleAnswer>()
                .Select(a => a.PrefillMs).Order()];
            double[] prune = [.. all.Select(r => r.Record.Answers.GetValueOrDefault(c.Key)).OfType<SampleAnswer>()
                .Select(a => a.PruneMs).Order()];
            return ms.Length == 0 ? null
                : new ConditionTiming(c.Method, c.Keep, c.Layer, ms.Length, ms[ms.Length / 2], prune[prune.Length / 2]);
        }).OfType<ConditionTiming>()];
    }

    private static string Markdown(EvaluationReport report, EvaluationOptions options, List<ConditionTiming> timings)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# Evaluation of {report.Model}").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"Rule in force (`default`): {report.DefaultRule}. Seed {report.Seed}; intervals: 95%, paired bootstrap over images, " +
            $"{report.Resamples} resamples.").AppendLine();
        foreach (var d in report.Data)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"**{d.Name}**: {d.Samples} questions about {d.Images} images. {string.Join(' ', d.Notes)}").AppendLine();
            if (d.Problems.Count > 0)
                text.AppendLine(CultureInfo.InvariantCulture, $"{d.Problems.Count} rows could not be used:").AppendLine()
                    .AppendLine(string.Join('\n', d.Problems.Take(50).Select(p => $"- {p}"))).AppendLine();
        }

        BesidePublished(text, report);
        foreach (var k in options.Layers)
        {
            Headline(text, report, options, k);
            foreach (var n in options.Keep) PaperTable(text, report, options, k, n);
        }

        Strict(text, report);
        foreach (var other in options.Against) Against(text, report, options, other);
        Conventions(text, report, options);
        Costs(text, report, timings);
        if (report.Headlines.Count > 0)
        {
            text.AppendLine("## Figures of whole sets").AppendLine().AppendLine("| data | method | keep | K | figure | value |")
                .AppendLine("|---|---|---|---|---|---|");
            foreach (var h in report.Headlines)
                text.AppendLine(CultureInfo.InvariantCulture,
                    $"| {h.Data} | {h.Method} | {h.Keep} | {h.Layer} | {h.Name} | {h.Value:0.####} |");
            text.AppendLine();
        }

        if (report.NotRun.Count > 0)
            text.AppendLine("## Not run").AppendLine().AppendLine(string.Join('\n', report.NotRun.Select(n => $"- {n}")));
        return text.ToString();
    }

    // Methods against budgets, a column per group: accuracy, and in brackets the difference to
    // d2pruner with * where its interval excludes 0.
    private static void Headline(StringBuilder text, EvaluationReport report, EvaluationOptions options, int k)
    {
        string[] tasks = [.. Headings(report)];
        text.AppendLine(CultureInfo.InvariantCulture,
            $"## K = {k}: accuracy in points (minus d2pruner; * = interval excludes 0, ** = also p < 0.05 after Holm)").AppendLine();
        text.Append("| method |").AppendJoin("", options.Keep.SelectMany(n => tasks.Select(t => $" {n}: {t} |"))).AppendLine();
        text.Append("|---|").AppendJoin("", options.Keep.SelectMany(_ => tasks.Select(_ => "---|"))).AppendLine();
        text.Append("| unpruned |")
            .AppendJoin("", options.Keep.SelectMany(
                _ => tasks.Select(t => $" {Points(Find(report, Condition.UnprunedName, 0, null, t)?.Accuracy)} |"))).AppendLine();
        foreach (var m in options.Methods)
        {
            string? said = null;
            text.Append(CultureInfo.InvariantCulture, $"| {m} |")
                .AppendJoin("", options.Keep.SelectMany(n => tasks.Select(t =>
                    $" {Why(report, m, k, n, ref said) ?? Describe(Find(report, m, k, n, t))} |"))).AppendLine();
        }

        text.AppendLine();
    }

    // The paper's layout: a row per method, a column per benchmark by its own figure, and the mean of the ratios to unpruned.
    private static void PaperTable(StringBuilder text, EvaluationReport report, EvaluationOptions options, int k, int n)
    {
        PaperColumn[] columns = [.. options.Data.SelectMany(PaperColumn.Of)];
        text.AppendLine(CultureInfo.InvariantCulture, $"### {n} tokens, K = {k}").AppendLine();
        text.Append("| method |").AppendJoin("", columns.Select(c => $" {c.Title} |")).AppendLine(" Avg. of unpruned |");
        text.Append("|---|").AppendJoin("", columns.Select(_ => "---|")).AppendLine("---|");
        Row(Condition.UnprunedName, 0, null);
        foreach (var m in options.Methods) Row(m, k, n);
        text.AppendLine();

        void Row(string name, int layer, int? keep)
        {
            (string? Text, double? Ratio)[] values = [.. columns.Select(c => c.Value(report, name, layer, keep))];
            double[] ratios = [.. values.Select(v => v.Ratio).OfType<double>()];
            string? said = null;
            text.Append(CultureInfo.InvariantCulture, $"| {name} |")
                .AppendJoin("", values.Select(v => $" {Why(report, name, k, n, ref said) ?? v.Text ?? "not run"} |"));
            text.AppendLine(ratios.Length == columns.Length ? $" {Points(ratios.Average())}% |" : said is null ? " not run |" : " |");
        }
    }

    // Where answers that cannot be read count for something to the official parser.
    private static void Strict(StringBuilder text, EvaluationReport report)
    {
        var cells = report.Cells.Where(c => c.AccuracyStrict != c.Accuracy).ToArray();
        if (cells.Length == 0) return;
        text.AppendLine("## Strict: what cannot be read is wrong").AppendLine()
            .AppendLine("| task | method | keep | K | accuracy | strict | not read, % |").AppendLine("|---|---|---|---|---|---|---|");
        foreach (var c in cells)
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {c.Task} | {c.Method} | {c.Keep} | {c.Layer} | {Points(c.Accuracy)} | {Points(c.AccuracyStrict)} | " +
                $"{Points(c.Unparsed)} |");
        text.AppendLine();
    }

    private static void BesidePublished(StringBuilder text, EvaluationReport report)
    {
        if (report.Published.Count == 0) return;
        text.AppendLine("## Unpruned beside what is published").AppendLine()
            .AppendLine(string.Join('\n', report.Published.Select(p => $"- {p}"))).AppendLine();
    }

    // Differences to a method that was named for it.
    private static void Against(StringBuilder text, EvaluationReport report, EvaluationOptions options, string other)
    {
        string[] tasks = [.. Headings(report)];
        var of = report.Differences.Where(d => d.Minus == other && tasks.Contains(d.Task)).ToArray();
        if (of.Length == 0) return;
        text.AppendLine(CultureInfo.InvariantCulture, $"## Minus {other}, in points (* = interval excludes 0)").AppendLine();
        text.Append("| method | K |").AppendJoin("", options.Keep.SelectMany(n => tasks.Select(t => $" {n}: {t} |"))).AppendLine();
        text.Append("|---|---|").AppendJoin("", options.Keep.SelectMany(_ => tasks.Select(_ => "---|"))).AppendLine();
        foreach (var (m, k) in of.Select(d => (d.Method, d.Layer)).Distinct())
        {
            text.Append(CultureInfo.InvariantCulture, $"| {m} | {k} |")
                .AppendJoin("", options.Keep.SelectMany(n => tasks.Select(t => Cell(m, k, n, t))))
                .AppendLine();
        }

        text.AppendLine();

        string Cell(string method, int layer, int keep, string task)
        {
            if (of.FirstOrDefault(d => (d.Method, d.Layer, d.Keep, d.Task) == (method, layer, keep, task)) is not { } d) return " - |";
            var star = d.Low > 0 || d.High < 0 ? "\\*" : "";
            return string.Create(CultureInfo.InvariantCulture,
                $" {100 * d.Difference:+0.0;-0.0;0.0} ({100 * d.Low:+0.0;-0.0;0.0} to {100 * d.High:+0.0;-0.0;0.0}){star} |");
        }
    }

    // Methods whose published form differs from what runs at equal n: both side by side.
    private static void Conventions(StringBuilder text, EvaluationReport report, EvaluationOptions options)
    {
        string[] tasks = [.. Headings(report)];
        var pairs = options.Methods.Where(m => options.Methods.Contains(RivalCatalog.OfficialOf(m))).ToArray();
        if (pairs.Length == 0) return;
        text.AppendLine("## Equal n beside the official convention").AppendLine()
            .AppendLine("Equal n: exactly n tokens before layer K, position ids kept. Official: as the published code does it.")
            .AppendLine();
        text.Append("| method | K | n |").AppendJoin("", new[] { "equal n", "official" }.SelectMany(
            c => tasks.Prepend("tokens kept").Select(t => $" {c}: {t} |"))).AppendLine();
        text.Append("|---|---|---|").AppendJoin("", Enumerable.Repeat("---|", 2 * (tasks.Length + 1))).AppendLine();
        foreach (var (m, k, n) in from m in pairs from k in options.Layers from n in options.Keep select (m, k, n))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {m} | {k} | {n} |");
            foreach (var name in new[] { m, RivalCatalog.OfficialOf(m)! })
            {
                string? said = null;
                var kept = report.Costs.FirstOrDefault(c => (c.Method, c.Layer, c.Keep) == (name, k, n))?.Kept;
                text.Append(CultureInfo.InvariantCulture, $" {Why(report, name, k, n, ref said) ?? $"{kept:0.#}"} |")
                    .AppendJoin("", tasks.Select(t => $" {Why(report, name, k, n, ref said) ?? Describe(Find(report, name, k, n, t))} |"));
            }

            text.AppendLine();
        }

        text.AppendLine();
        foreach (var official in pairs.Select(m => RivalCatalog.Find(RivalCatalog.OfficialOf(m)!)!))
            text.AppendLine(CultureInfo.InvariantCulture, $"- `{official.Name}`: {official.Summary}");
        text.AppendLine();
    }

    // Why a cell is empty, said once in a row; null where the model can run it.
    private static string? Why(EvaluationReport report, string method, int layer, int keep, ref string? said)
    {
        var why = report.CannotRun.FirstOrDefault(r => (r.Method, r.Layer, r.Keep) == (method, layer, keep))?.Why;
        if (why is null) return null;
        var text = why == said ? "" : $"cannot run: {why}";
        said = why;
        return text;
    }

    private static void Costs(StringBuilder text, EvaluationReport report, List<ConditionTiming> timings)
    {
        text.AppendLine("## Costs").AppendLine()
            .AppendLine("By arithmetic: tokens, average visual tokens a layer, FLOPs of the decoder's prefill, their limit of speed-up, " +
                "KV. Measured: median milliseconds of the decoder's prefill, pruning in it, on the machine of this run; of methods that " +
                "only an evaluation runs, pruning is a plain reference on the host, and its time says nothing of the method's speed.")
            .AppendLine();
        text.AppendLine("| method | keep | K | tokens a layer | GFLOPs | limit | KV KiB | prefill ms | pruning ms |")
            .AppendLine("|---|---|---|---|---|---|---|---|---|");
        foreach (var c in report.Costs)
        {
            var t = timings.Find(t => t.Method == c.Method && t.Layer == c.Layer
                && (t.Keep == c.Keep || c.Method == Condition.UnprunedName));
            text.AppendLine(CultureInfo.InvariantCulture,
                $"| {c.Method} | {c.Keep} | {c.Layer} | {c.TokensPerLayer:0.#} | {c.Flops / 1e9:0.###} | {c.SpeedUpLimit:0.00}x | " +
                $"{c.KvBytes / 1024:0} | {t?.PrefillMs:0.0} | {t?.PruneMs:0.0} |");
        }

        text.AppendLine();
    }

    private static ReportCell? Find(EvaluationReport report, string method, int layer, int? keep, string task) =>
        report.Cells.FirstOrDefault(c => c.Method == method && c.Layer == layer && c.Task == task && (keep is null || c.Keep == keep));

    private static string Describe(ReportCell? cell)
    {
        if (cell is null) return "not run";
        if (cell.MinusD2Pruner is not { } minus || cell.Method == "d2pruner") return Points(cell.Accuracy);
        var star = cell.MinusLow > 0 || cell.MinusHigh < 0 ? cell.PHolm < 0.05 ? "**" : "*" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{Points(cell.Accuracy)} ({100 * minus:+0.0;-0.0;0.0}{star})")
            .Replace("**)", "\\*\\*)").Replace("*)", "\\*)").Replace("\\\\*", "\\*");
    }

    private static string Points(double? value) => value is { } v ? (100 * v).ToString("0.0", CultureInfo.InvariantCulture) : "not run";
}
