namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>The published code fails on a question, so that the question stays without an answer under this condition.</summary>
internal sealed class PublishedFailureException(string message, Exception? inner = null) : Exception(message, inner);
