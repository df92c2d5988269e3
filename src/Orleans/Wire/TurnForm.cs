namespace D2Pruner.AI.Orleans.Wire;

/// <summary>A turn of a conversation.</summary>
internal sealed record TurnForm(string Role, IReadOnlyList<PartForm> Parts);
