using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary>One question answered once or several times in the same way: the last answer, and the times of all.</summary>
/// <param name="Response">The last answer.</param>
/// <param name="Report">Its report.</param>
/// <param name="Times">Medians over the runs.</param>
/// <param name="Runs">How many runs.</param>
internal sealed record Answers(ChatResponse Response, PruningReport Report, AnswerTimes Times, int Runs)
{
    public double? TokensPerSecond => Times.TokensPerSecond(Response.Usage?.OutputTokenCount);

    public static Answers Of(IReadOnlyList<ChatResponse> runs)
    {
        PruningReport[] reports = [.. runs.Select(r => r.GetPruningReport()!)];
        return new Answers(runs[^1], reports[^1], AnswerTimes.Of(reports), runs.Count);
    }
}
