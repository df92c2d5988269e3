using Microsoft.Extensions.AI;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary>The small table under an answer.</summary>
internal static class AnswerTable
{
    public static void Write(ChatResponse response, PruningReport r)
    {
        Console.WriteLine();
        var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumns("", "");
        table.AddRow("visual tokens", $"{r.VisualTokens}");
        table.AddRow("kept", $"{r.VisualTokensKept}");
        table.AddRow("preset", Markup.Escape($"{r.Preset} ({r.PresetReason})"));
        if (r.Method is not null) table.AddRow("method", Markup.Escape($"{r.Method}, K = {r.LayersBeforePruning}, {string.Join(", ", (r.Parameters ?? new Dictionary<string, System.Text.Json.JsonElement>()).Select(p => $"{p.Key} = {p.Value}"))}, prior: {r.Prior ?? "none"}"));
        table.AddRow("prune", $"{r.Times.PruneMs:F1} ms");
        table.AddRow("vision / prefill / decode", $"{r.Times.VisionMs:F0} / {r.Times.PrefillMs:F0} / {r.Times.DecodeMs:F0} ms");
        table.AddRow("tokens/s", TokensPerSecond(response, r) is { } s ? $"{s:F1}" : "-");
        table.AddRow("KV bytes", $"{r.KvBytes:N0} of {r.KvBytesUnpruned:N0}");
        AnsiConsole.Write(table);
        foreach (var g in response.GetGroundings()) Console.WriteLine($"box {g.Label}: [{g.Box.Left:F3}, {g.Box.Top:F3}, {g.Box.Right:F3}, {g.Box.Bottom:F3}]");
        foreach (var issue in r.GroundingIssues) Console.WriteLine($"note: {issue}");
    }

    /// <summary>Both answers' figures side by side.</summary>
    public static void WriteComparison(ChatResponse plain, ChatResponse pruned)
    {
        Console.WriteLine();
        var (a, b) = (plain.GetPruningReport()!, pruned.GetPruningReport()!);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("", "without", "with pruning");
        table.AddRow("answer", Markup.Escape(plain.Text.Trim()), Markup.Escape(pruned.Text.Trim()));
        table.AddRow("visual tokens", $"{a.VisualTokensKept}", $"{b.VisualTokensKept} of {b.VisualTokens}");
        table.AddRow("vision ms", $"{a.Times.VisionMs:F1}", $"{b.Times.VisionMs:F1}");
        table.AddRow("prefill ms", $"{a.Times.PrefillMs:F1}", $"{b.Times.PrefillMs:F1} (pruning {b.Times.PruneMs:F1})");
        table.AddRow("decode ms", $"{a.Times.DecodeMs:F1}", $"{b.Times.DecodeMs:F1}");
        table.AddRow("KV bytes", $"{a.KvBytes:N0}", $"{b.KvBytes:N0}");
        table.AddRow("method", "-", Markup.Escape($"{b.Method ?? "none"}, K = {b.LayersBeforePruning}, prior: {b.Prior ?? "none"}"));
        AnsiConsole.Write(table);
    }

    /// <summary>Decode steps per second; the first token comes from the prefill.</summary>
    public static double? TokensPerSecond(ChatResponse response, PruningReport r) =>
        response.Usage?.OutputTokenCount > 1 && r.Times.DecodeMs > 0 ? (response.Usage.OutputTokenCount - 1) * 1000 / r.Times.DecodeMs : null;
}
