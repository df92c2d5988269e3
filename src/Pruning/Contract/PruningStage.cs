namespace D2Pruner.AI.Pruning;

/// <summary>One entry of a pruner's schedule: where it reduces, to how much, and what it needs to see there.</summary>
/// <param name="Point">The point of the forward pass.</param>
/// <param name="Budget">What is kept there (of the image's original visual tokens).</param>
/// <param name="Signals">The signals that the runtime must supply.</param>
public sealed record PruningStage(PruningPoint Point, TokenBudget Budget, PruningSignals Signals);
