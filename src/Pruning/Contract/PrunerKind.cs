namespace D2Pruner.AI.Pruning;

/// <summary>What a pruning method is offered as.</summary>
public enum PrunerKind
{
    /// <summary>A method of this library, to use.</summary>
    Method,

    /// <summary>A published method of others, for comparison.</summary>
    Rival,

    /// <summary>What any method has to beat.</summary>
    Control,

    /// <summary>A candidate that is being measured; its name and parameters may change or go.</summary>
    Experiment,
}
