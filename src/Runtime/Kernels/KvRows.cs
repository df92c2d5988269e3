namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Where one layer's keys and values of one sequence lie: [KV heads, capacity, d] each. The step
/// writes the row behind the last one.</summary>
/// <param name="Keys">Address of the keys.</param>
/// <param name="Values">Address of the values.</param>
/// <param name="Length">Tokens held; below <paramref name="Capacity"/>.</param>
/// <param name="Capacity">Tokens there is room for.</param>
/// <param name="BFloat16">The type: bfloat16, else fp32.</param>
internal readonly record struct KvRows(nint Keys, nint Values, int Length, int Capacity, bool BFloat16);
