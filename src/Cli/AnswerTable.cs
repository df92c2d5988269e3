using System.Globalization;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Cli;

/// <summary>The small table under an answer.</summary>
internal static class AnswerTable
{
    public static void Write(Answers answers)
    {
        var (r, times) = (answers.Report, answers.Times);
        Console.WriteLine();
        var table = Output.Facts();
        if (r.VisualTokens > 0)
        {
            table.AddEscaped("visual tokens", $"{r.VisualTokens}");
            table.AddEscaped("kept", $"{r.VisualTokensKept}");
            table.AddEscaped("preset", $"{r.Preset} ({r.PresetReason})");
        }

        if (r.Method is not null)
        {
            table.AddEscaped("method", Method(r));
            table.AddEscaped("prune", Output.Invariant($"{times.Prune:F1} ms"));
        }

        table.AddEscaped("vision / prefill / decode",
            Output.Invariant($"{times.Vision:F0} / {times.Prefill:F0} / {times.Decode:F0} ms") + Runs(answers));
        table.AddEscaped("tokens/s", answers.TokensPerSecond is { } s ? Output.Invariant($"{s:F1}") : "-");
        table.AddEscaped("KV bytes",
            Output.Invariant($"{r.KvBytes:N0} of {r.KvBytesUnpruned:N0} ({Units.Short(r.KvBytes)} of {Units.Short(r.KvBytesUnpruned)})"));
        Output.Write(table);
        foreach (var g in answers.Response.GetGroundings())
            Console.WriteLine(Output.Invariant($"box {g.Label}: [{g.Box.Left:F3}, {g.Box.Top:F3}, {g.Box.Right:F3}, {g.Box.Bottom:F3}]"));
        foreach (var issue in r.GroundingIssues) Console.WriteLine($"note: {issue}");
    }

    /// <summary>Both answers' figures side by side.</summary>
    public static void WriteComparison(Answers plain, Answers pruned)
    {
        Console.WriteLine();
        var ((a, at), (b, bt)) = ((plain.Report, plain.Times), (pruned.Report, pruned.Times));
        var table = Output.Table("", "without", "with pruning");
        table.AddEscaped("answer", plain.Response.Text.Trim(), pruned.Response.Text.Trim());
        table.AddEscaped("visual tokens", $"{a.VisualTokensKept}", $"{b.VisualTokensKept} of {b.VisualTokens}");
        table.AddEscaped("vision ms", Output.Invariant($"{at.Vision:F1}"), Output.Invariant($"{bt.Vision:F1}"));
        table.AddEscaped("prefill ms", Output.Invariant($"{at.Prefill:F1}"), Output.Invariant($"{bt.Prefill:F1} (pruning {bt.Prune:F1})"));
        table.AddEscaped("first token ms", Output.Invariant($"{at.Vision + at.Prefill:F1}"),
            Output.Invariant($"{bt.Vision + bt.Prefill:F1}"));
        table.AddEscaped("decode ms", Output.Invariant($"{at.Decode:F1}"), Output.Invariant($"{bt.Decode:F1}"));
        table.AddEscaped("KV bytes", Output.Invariant($"{a.KvBytes:N0}"), Output.Invariant($"{b.KvBytes:N0}"));
        table.AddEscaped("method", "-", Method(b));
        Output.Write(table);
        if (plain.Runs > 1) Console.WriteLine($"Times are medians of {plain.Runs} runs each, after a warm-up.");
        else Console.WriteLine("Times of one run each, after a warm-up; --runs 5 shows medians.");
    }

    private static string Method(PruningReport r) => string.Create(CultureInfo.InvariantCulture,
        $"{r.Method ?? "none"}, K = {r.LayersBeforePruning}{string.Concat(r.Parameters?.Select(p => $", {p.Key} = {p.Value}") ?? [])}, " +
            $"prior: {r.Prior ?? "none"}");

    private static string Runs(Answers answers) => answers.Runs > 1 ? $" (medians of {answers.Runs} runs)" : "";
}
