namespace D2Pruner.AI.Evaluation.Running;

/// <summary>How far a run is.</summary>
/// <param name="Done">Questions done, those of earlier runs included.</param>
/// <param name="Total">All questions.</param>
/// <param name="Left">Time left at the speed of this run.</param>
/// <param name="Text">What goes on now.</param>
public readonly record struct EvaluationProgress(int Done, int Total, TimeSpan Left, string Text);
