namespace D2Pruner.AI.Pruning;

/// <summary>What K, the number of layers before pruning, means to a method.</summary>
public enum PrunerDepth
{
    /// <summary>It prunes before layer K.</summary>
    AtLayers,

    /// <summary>It prunes the decoder's input (K = 0), as published; only a K that is asked for explicitly moves it.</summary>
    AtInput,

    /// <summary>It has stages of its own; K is not used.</summary>
    OwnStages,
}
