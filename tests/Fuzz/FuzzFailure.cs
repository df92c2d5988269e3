namespace D2Pruner.AI.Fuzz;

/// <summary>An input was handled without an exception, but wrongly.</summary>
internal sealed class FuzzFailure(string message) : Exception(message);
