using System.Text.Json.Nodes;

namespace D2Pruner.AI.Conformance;

/// <summary>Everything computed for a case: tensors by the names of the fixtures' README, and the JSON fields.</summary>
internal sealed record ModelCaseResult(SortedDictionary<string, Blob> Tensors, JsonObject Json);
