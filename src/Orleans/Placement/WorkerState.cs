namespace D2Pruner.AI.Orleans.Placement;

/// <summary>A worker as placement sees it.</summary>
/// <param name="Id">Any number that tells it from the others, the same in every silo.</param>
/// <param name="Load">Requests waiting and being answered.</param>
/// <param name="Slots">Answers in progress at once, at least 1.</param>
/// <param name="Capacity">Requests that may wait or be answered.</param>
/// <param name="KvUse">Share of its keys' and values' limit in use, 0..1.</param>
/// <param name="Resident">Whether its caches hold the image.</param>
internal readonly record struct WorkerState(ulong Id, int Load, int Slots, int Capacity, double KvUse, bool Resident);
