using TorchSharp;

namespace D2Pruner.AI.Pruning;

/// <summary>Checks that pruners share; every message says what was found and what was expected.</summary>
internal static class PrunerGuard
{
    /// <summary>Number of candidates of the context.</summary>
    public static int Count(PruningContext context) => context.Remaining?.Length ?? context.Layout.Count;

    public static float[] Row(float[]? signal, PruningContext context, string what) =>
        signal is not null && signal.Length == Count(context)
            ? signal
            : throw new ArgumentException(
                $"This pruner needs {what} of {Count(context)} visual tokens; found {signal?.Length.ToString() ?? "none"}.",
                nameof(context));

    public static float[] Cls(PruningContext context) => context.VisionClsAttention is null
        ? throw new ArgumentException(
            "This pruner needs the vision tower's CLS attention, which only LLaVA's towers have; choose another method for this model.",
            nameof(context))
        : Row(context.VisionClsAttention, context, "the vision tower's CLS attention");

    public static torch.Tensor Rows(torch.Tensor? signal, PruningContext context, string what) =>
        signal is not null && signal.shape is [var rows, _] && rows == Count(context)
            ? signal
            : throw new ArgumentException(
                $"This pruner needs {what} of shape [{Count(context)}, D]; found " +
                $"{(signal is null ? "none" : $"[{string.Join(", ", signal.shape)}]")}.", nameof(context));
}
