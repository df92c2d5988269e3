namespace D2Pruner.AI.Evaluation.Data.Rows;

/// <summary>A row that cannot be used; the message says why, the reader adds where.</summary>
internal sealed class RowException(string message) : Exception(message);
