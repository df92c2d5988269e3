namespace D2Pruner.AI.Pruning;

/// <summary>
/// Chooses which visual tokens survive. An implementation only chooses: sorting, budgets, separators, the last token and
/// images smaller than their budget are handled once by the caller (<c>n &gt;= V</c> never reaches <see cref="Reduce"/>).
/// Implementations are stateless and safe for concurrent use.
/// </summary>
public interface IVisualTokenPruner
{
    /// <summary>Short lower-case name, e.g. <c>d2pruner</c>.</summary>
    string Name { get; }

    /// <summary>The stages, in order of the forward pass.</summary>
    IReadOnlyList<PruningStage> Schedule { get; }

    /// <summary>Chooses the kept tokens of one image at one stage.</summary>
    /// <exception cref="OperationCanceledException">The context's token was cancelled.</exception>
    TokenReduction Reduce(PruningContext context);
}
