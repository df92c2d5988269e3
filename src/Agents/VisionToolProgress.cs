namespace D2Pruner.AI;

/// <summary>How far a call is.</summary>
/// <param name="Step">Grows by one with every report, from 1.</param>
/// <param name="Message">What is being done.</param>
public readonly record struct VisionToolProgress(int Step, string Message);
