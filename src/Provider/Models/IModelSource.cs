using D2Pruner.AI.Runtime;

namespace D2Pruner.AI;

/// <summary>Where a client gets its engine from: one at hand, or one that loads at first use.</summary>
internal interface IModelSource
{
    /// <summary>The model's id; known before it is loaded.</summary>
    string ModelId { get; }

    /// <summary>The id and every other name a request may use for it; the id first.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>What tells answers of this model from another's; known before it is loaded, the same in every
    /// process that has the same files. Null where it is elsewhere and its version not known yet.</summary>
    string? Fingerprint { get; }

    /// <summary>The engine if it is loaded.</summary>
    IVisionEngine? Current { get; }

    /// <summary>The engine, loaded if need be.</summary>
    ValueTask<IVisionEngine> GetAsync(CancellationToken cancellationToken);
}
