using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>One condition alone: read and answered at once.</summary>
internal static class SharedForwardAnswers
{
    public static ForwardAnswer Answer(this SharedForward forward, IVisualTokenPruner? pruner, IReadOnlyList<int[]> budgets,
        PositionalBiasPrior? prior, bool evict, int maxNewTokens) =>
        Finished(forward, forward.Read(pruner, budgets, prior, evict, maxNewTokens));

    public static ForwardAnswer Answer(this SharedForward forward, RivalImage image, Rival rival, int keep, int maxNewTokens) =>
        Finished(forward, forward.Read(image, rival, keep, maxNewTokens));

    public static ForwardAnswer Answer(this SharedForward forward, IDecoderRival rival, int maxNewTokens) =>
        Finished(forward, forward.Read(rival, maxNewTokens));

    private static ForwardAnswer Finished(SharedForward forward, ForwardAnswer answer)
    {
        forward.Finish();
        return answer;
    }
}
