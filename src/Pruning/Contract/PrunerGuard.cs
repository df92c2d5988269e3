using TorchSharp;

namespace D2Pruner.AI.Pruning;

/// <summary>Checks that pruners share; every message says what was found and what was expected.</summary>
internal static class PrunerGuard
{
    public static void AttentionLayer(PruningSettings settings, string method)
    {
        if (settings.LayersBeforePruning < 1)
            throw new ArgumentException($"K = {settings.LayersBeforePruning} is not possible with '{method}': it needs the attention row of layer K-1, so K must be at least 1.", nameof(settings));
    }

    public static void Unit(double value, string name)
    {
        if (value is not (>= 0 and <= 1))
            throw new ArgumentException($"{name} is {value}; it must be from 0 to 1.", name);
    }

    /// <summary>Number of candidates of the context.</summary>
    public static int Count(PruningContext context) => context.Remaining?.Length ?? context.Layout.Count;

    public static float[] Row(float[]? signal, PruningContext context, string what) =>
        signal is not null && signal.Length == Count(context)
            ? signal
            : throw new ArgumentException($"This pruner needs {what} of {Count(context)} visual tokens; found {signal?.Length.ToString() ?? "none"}.", nameof(context));

    public static torch.Tensor Rows(torch.Tensor? signal, PruningContext context, string what) =>
        signal is not null && signal.shape is [var rows, _] && rows == Count(context)
            ? signal
            : throw new ArgumentException($"This pruner needs {what} of shape [{Count(context)}, D]; found {(signal is null ? "none" : $"[{string.Join(", ", signal.shape)}]")}.", nameof(context));
}
