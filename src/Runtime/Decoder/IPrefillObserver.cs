namespace D2Pruner.AI.Runtime.Decoder;

/// <summary>Who wants to know where a prefill is: timing, other sequences' turns and the device's
/// synchronisation stay out of the computation.</summary>
internal interface IPrefillObserver
{
    /// <summary>Between two slices of work (decoder layers, images of a selection). May run something
    /// else, or throw to end the prefill.</summary>
    void AtBorder();

    /// <summary>Pruning begins; what was launched before it may still run on the device.</summary>
    void PruningStarts();

    /// <summary>Pruning has ended.</summary>
    void PruningEnds();
}
