namespace D2Pruner.AI.Runtime;

/// <summary>What an engine sends while it answers: text pieces, then exactly one <see cref="GenerationCompleted"/>.</summary>
public abstract record GenerationEvent;

/// <summary>The prompt has been read: counts, pruning and prefill times are known; sent before the first text.</summary>
/// <param name="Prefill">What happened so far.</param>
public sealed record PrefillCompleted(PrefillSummary Prefill) : GenerationEvent;

/// <summary>A piece of the answer, final and never empty.</summary>
/// <param name="Text">The text.</param>
public sealed record TextDelta(string Text) : GenerationEvent;

/// <summary>The answer is complete.</summary>
/// <param name="Result">Everything about it.</param>
public sealed record GenerationCompleted(GenerationResult Result) : GenerationEvent;
