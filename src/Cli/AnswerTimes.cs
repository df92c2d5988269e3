namespace D2Pruner.AI.Cli;

/// <summary>Times of an answer in milliseconds: medians when it was given several times.</summary>
/// <param name="Preprocess">Decoding and resizing images, tokenizing.</param>
/// <param name="Vision">Vision tower and projector.</param>
/// <param name="Prefill">All decoder layers over the prompt, pruning included.</param>
/// <param name="Prune">The part of the prefill spent on pruning.</param>
/// <param name="Decode">All decode steps.</param>
internal sealed record AnswerTimes(double Preprocess, double Vision, double Prefill, double Prune, double Decode)
{
    public static AnswerTimes Of(IReadOnlyList<PruningReport> runs)
    {
        double Middle(Func<PruningReportTimes, double> time) => Median.Of(runs.Select(r => time(r.Times)));
        return new AnswerTimes(Middle(t => t.PreprocessMs), Middle(t => t.VisionMs), Middle(t => t.PrefillMs), Middle(t => t.PruneMs),
            Middle(t => t.DecodeMs));
    }

    /// <summary>Decode steps per second; the first token comes from the prefill.</summary>
    public double? TokensPerSecond(long? outputTokens) => outputTokens > 1 && Decode > 0 ? (outputTokens - 1) * 1000 / Decode : null;
}
