namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>A sequence's cache as the decode step sees it.</summary>
internal interface IKvRows
{
    /// <summary>A layer with room for one more token.</summary>
    KvRows Reserve(int layer);

    /// <summary>Counts the token that the step has written into every layer.</summary>
    void Advance();
}
