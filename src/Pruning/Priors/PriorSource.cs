namespace D2Pruner.AI.Pruning;

/// <summary>Where the prior of a request comes from.</summary>
public enum PriorSource
{
    /// <summary>The method reads no prior.</summary>
    None,

    /// <summary>The uniform one was asked for: attention is not debiased.</summary>
    Uniform,

    /// <summary>The one that the settings name.</summary>
    Named,

    /// <summary>The one beside the model.</summary>
    Model,

    /// <summary>The one averaged from live requests.</summary>
    Learned,

    /// <summary>None is known for this K: attention is not debiased, and the report says so (specification A18).</summary>
    Missing,
}
