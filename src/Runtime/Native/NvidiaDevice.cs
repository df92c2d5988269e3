namespace D2Pruner.AI.Runtime.Native;

/// <summary>A GPU as its driver describes it.</summary>
/// <param name="Index">The driver's number of it.</param>
/// <param name="Name">Its name.</param>
/// <param name="TotalBytes">Its memory.</param>
/// <param name="FreeBytes">What of it is free.</param>
internal sealed record NvidiaDevice(int Index, string Name, long TotalBytes, long FreeBytes);
