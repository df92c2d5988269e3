namespace D2Pruner.AI.Runtime.Generation;

/// <summary>Penalties on fp32 logits. The repetition penalty sees the unpruned prompt and the output;
/// the additive ones the output.</summary>
internal sealed class Penalties
{
    private readonly ResolvedGeneration _settings;
    private readonly HashSet<int> _seen;
    private readonly Dictionary<int, int> _counts = [];

    /// <summary>Creates the penalties of one request.</summary>
    public Penalties(ResolvedGeneration settings, IEnumerable<int> promptIds)
    {
        _settings = settings;
        _seen = settings.RepetitionPenalty == 1 ? [] : [.. promptIds];
    }

    /// <summary>Notes a generated id.</summary>
    public void Accept(int id)
    {
        if (_settings.RepetitionPenalty != 1) _seen.Add(id);
        _counts[id] = _counts.GetValueOrDefault(id) + 1;
    }

    /// <summary>Changes logits in place: score &gt; 0 ? score / p : score * p, then minus count * frequency and presence.</summary>
    public void Apply(Span<float> logits)
    {
        var p = (float)_settings.RepetitionPenalty;
        foreach (var id in _seen)
        {
            if (id < logits.Length) logits[id] = logits[id] > 0 ? logits[id] / p : logits[id] * p;
        }

        if (_settings is { FrequencyPenalty: 0, PresencePenalty: 0 }) return;
        foreach (var (id, count) in _counts)
        {
            if (id < logits.Length) logits[id] -= (float)(count * _settings.FrequencyPenalty + _settings.PresencePenalty);
        }
    }
}
