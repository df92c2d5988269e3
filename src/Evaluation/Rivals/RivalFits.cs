using D2Pruner.AI.Evaluation.Running;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>Rivals that learn from a run's first questions, each once per condition: the same run learns the same again.</summary>
internal sealed class RivalFits
{
    private readonly Dictionary<string, IDecoderRival> _known = [];

    /// <summary>A condition's stages.</summary>
    /// <param name="rival">The rival.</param>
    /// <param name="condition">The condition.</param>
    /// <param name="questions">Begins the questions to learn from.</param>
    public IDecoderRival Get(Rival rival, Condition condition, Func<IReadOnlyList<SharedForward>> questions)
    {
        lock (_known)
        {
            if (_known.TryGetValue(condition.Key, out var known)) return known;
            return _known[condition.Key] = Fit(rival, condition, questions());
        }
    }

    private static IDecoderRival Fit(Rival rival, Condition condition, IReadOnlyList<SharedForward> begun)
    {
        try
        {
            return rival.Fit!(begun, condition);
        }
        finally
        {
            for (var i = begun.Count - 1; i >= 0; i--) begun[i].Dispose(); // scopes close in the order of a stack
        }
    }
}
