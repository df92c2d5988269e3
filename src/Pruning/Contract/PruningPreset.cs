namespace D2Pruner.AI.Pruning;

/// <summary>Task-aware pruning presets.</summary>
public enum PruningPreset
{
    /// <summary>Picks one of the others from the request and says why.</summary>
    Auto,

    /// <summary>alpha = 1, K = 2, keep 1/3: questions, captions, counting.</summary>
    Understanding,

    /// <summary>alpha = 0.5, K = 5, keep 1/2: boxes, "where", pointing.</summary>
    Localization,

    /// <summary>No pruning.</summary>
    None,
}
