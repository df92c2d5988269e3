using System.Text.RegularExpressions;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Takes the names of expected tensors apart. The names of prunings are free: they may hold
/// dots and the names of quantities.</summary>
internal static partial class TensorName
{
    /// <summary>The pruning of <c>pruned.NAME.QUANTITY</c>, or null.</summary>
    public static string? PruningOf(string tensor) => Pruned().Match(tensor) is { Success: true } m ? m.Groups["name"].Value : null;

    /// <summary>The quantity without pruning, image and layer: <c>hidden</c>, <c>a_rel</c>, <c>logits</c>...; the whole name where
    /// it is none of the known ones.</summary>
    public static string QuantityOf(string tensor)
    {
        if (Pruned().Match(tensor) is { Success: true } m) return m.Groups["quantity"].Value;
        return Numbered().Match(tensor) is { Success: true } n ? n.Groups["quantity"].Value : tensor;
    }

    [GeneratedRegex(@"^pruned\.(?<name>.+)\.(?:(?<quantity>kept|logits|greedy_ids)|(?<quantity>hidden)\.\d+|image\d+\.(?<quantity>a_rel|prior))$")]
    private static partial Regex Pruned();

    [GeneratedRegex(@"^(?<quantity>hidden|attention_row|resized)\.\d+$")]
    private static partial Regex Numbered();
}
