namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>A method that drops image tokens behind some layers of the decoder, seeing what those layers computed.</summary>
internal interface IDecoderRival
{
    /// <summary>Layers behind which it drops, zero-based, ascending.</summary>
    IReadOnlyList<int> Layers { get; }

    /// <summary>Whether what is left is numbered anew, 0, 1, 2..., and an answer's tokens by the rows that their layer holds.</summary>
    bool Renumbers { get; }

    /// <summary>Chooses.</summary>
    /// <param name="view">What the layer computed.</param>
    StageOutcome Reduce(StageView view);
}
