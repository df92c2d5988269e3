using System.Text.Json;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>The engine's account of a finished answer as a report.</summary>
internal static class ReportBuilder
{
    public static PruningReport Build(
        ResolvedPruning resolved, GenerationResult result, IReadOnlyList<string> groundingIssues, PrunerRegistry pruners)
    {
        var prefill = result.Prefill;
        var pruning = prefill.Pruning;
        var method = pruners.Find(pruning?.Method);
        return new PruningReport
        {
            Preset = resolved.Preset,
            PresetSource = resolved.Source,
            PresetReason = resolved.Reason,
            Method = pruning?.Method,
            LayersBeforePruning = pruning?.LayersBeforePruning,
            KeepRatio = pruning?.Budget.Ratio,
            KeepTokens = pruning?.Budget.Tokens,
            Alpha = Has("alpha") ? pruning!.Alpha : null,
            Theta = Has("theta") ? pruning!.Theta : null,
            PivotRatio = Has("pivot_ratio") ? pruning!.PivotRatio : null,
            Rule = Has("rule") ? pruning!.Rule : null,
            Parameters = method?.Parameters.ToDictionary(p => p.Name, p => Value(pruning!.Parameters.Value(p))),
            EvictEarlyKv = pruning?.EvictEarlyKv,
            Prior = prefill.Prior,
            PromptTokens = prefill.PromptTokens,
            PromptTokensKept = prefill.PromptTokensKept,
            CachedTokens = prefill.CachedTokens,
            ComputedTokens = prefill.PromptTokens - prefill.CachedTokens,
            Reused = prefill.Reused?.ToString().ToLowerInvariant(),
            ReusedTurn = prefill.ReusedTurn,
            VisualTokens = prefill.VisualTokens,
            VisualTokensKept = prefill.VisualTokensKept,
            KvBytes = prefill.KvBytes,
            KvBytesUnpruned = prefill.KvBytesUnpruned,
            Times = new PruningReportTimes
            {
                QueueMs = prefill.QueueTime.TotalMilliseconds,
                PreprocessMs = prefill.PreprocessTime.TotalMilliseconds,
                VisionMs = prefill.VisionTime.TotalMilliseconds,
                PrefillMs = prefill.PrefillTime.TotalMilliseconds,
                PruneMs = prefill.PruneTime.TotalMilliseconds,
                DecodeMs = result.DecodeTime.TotalMilliseconds,
            },
            Images = [.. prefill.Images.Select(Build)],
            GroundingIssues = groundingIssues,
        };

        bool Has(string name) => method?.Find(name) is not null;
    }

    private static JsonElement Value(object value) =>
        value is double number ? JsonSerializer.SerializeToElement(number, ReportJson.Default.Double)
            : JsonSerializer.SerializeToElement((string)value, ReportJson.Default.String);

    private static PrunedImageReport Build(ImagePruning image) => new()
    {
        ImageIndex = image.ImageIndex,
        Width = image.Width,
        Height = image.Height,
        VisualTokens = image.VisualTokens,
        Separators = image.Layout.Separators.Length,
        Kept = image.Kept,
        Grids = [.. image.Layout.Components.Select((c, i) => new TokenGridReport
        {
            Name = c.Name,
            Rows = c.Rows,
            Columns = c.Columns,
            X = image.Map.Cells[i].X,
            Y = image.Map.Cells[i].Y,
            CellWidth = image.Map.Cells[i].Width,
            CellHeight = image.Map.Cells[i].Height,
        })],
        Pivots = image.Statistics.Pivots,
        Fill = image.Statistics.Fill,
        Edges = image.Statistics.Edges,
        MinSimilarity = image.Statistics.MinSimilarity,
        MaxSimilarity = image.Statistics.MaxSimilarity,
        Scores = image.Attention is null ? null : image.Statistics.Scores,
        Attention = image.Attention,
        PriorMap = image.PriorMap,
    };
}
