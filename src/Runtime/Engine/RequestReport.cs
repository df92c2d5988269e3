using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Decoder;

namespace D2Pruner.AI.Runtime.Engine;

/// <summary>The account of a prompt that has been read.</summary>
internal static class RequestReport
{
    public static PrefillSummary Of(
        Sequence sequence,
        PrefillOutput prefill,
        PositionalBiasPrior? prior,
        FoundPrefix? reuse,
        VisionModelInfo model,
        TimeSpan vision,
        PrefillTimer timer)
    {
        var (prompt, pruning) = (sequence.Prepared.Prompt, sequence.Prepared.Pruning);
        return new PrefillSummary
        {
            PromptTokens = prompt.Length,
            PromptTokensKept = prefill.State.Length,
            CachedTokens = reuse?.Use.Length ?? 0,
            Reused = reuse?.How,
            ReusedTurn = reuse?.Turn,
            Images = [.. prompt.Images.Select((_, i) => Image(sequence, prefill, i))],
            Pruning = pruning?.Settings,
            Prior = pruning?.Plan.Description.UsesPrior != true ? null : prior is not null && prefill.Priors.Any(p => p is not null)
            ? prior.Id : "uniform",
            KvBytes = prefill.Cache.Bytes,
            KvBytesUnpruned = prompt.Length * model.KvBytesPerToken,
            QueueTime = sequence.QueueTime,
            PreprocessTime = sequence.Prepared.PreprocessTime,
            VisionTime = vision,
            PrefillTime = timer.Elapsed - vision,
            PruneTime = timer.PruneTime,
        };
    }

    private static ImagePruning Image(Sequence sequence, PrefillOutput prefill, int i)
    {
        var (prompt, scores) = (sequence.Prepared.Prompt, sequence.Prepared.Request.IncludeScores);
        var reduction = prefill.Images.Count > i ? prefill.Images[i] : null;
        return new ImagePruning
        {
            ImageIndex = i,
            VisualTokens = prompt.Layouts[i].Count,
            Kept = reduction?.Kept ?? [.. Enumerable.Range(0, prompt.Layouts[i].Count)],
            Layout = prompt.Layouts[i],
            Map = prompt.Images[i].Map,
            Width = prompt.Images[i].OriginalWidth,
            Height = prompt.Images[i].OriginalHeight,
            Statistics = reduction is null ? SelectionStatistics.Empty : scores ? reduction.Statistics
            : reduction.Statistics with { Scores = null },
            Attention = scores ? prefill.Attention[i] : null,
            PriorMap = scores ? prefill.Priors[i] : null,
        };
    }
}
