using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;

namespace D2Pruner.AI.Runtime.Prompts;

/// <summary>A prompt ready for the decoder.</summary>
internal sealed class EncodedPrompt
{
    /// <summary>The rendered text, with one placeholder per image.</summary>
    public required string Text { get; init; }

    /// <summary>Token ids, placeholders repeated, [N].</summary>
    public required long[] TokenIds { get; init; }

    /// <summary>Position ids: one row, or three for multimodal rotary positions, each [N].</summary>
    public required long[][] PositionIds { get; init; }

    /// <summary>Position id of the first generated token, pruned or not.</summary>
    public required long NextPosition { get; init; }

    /// <summary>The images' plans, in order.</summary>
    public required IReadOnlyList<ImagePlan> Images { get; init; }

    /// <summary>Per image: prompt positions of its features in their order, separators included; one run for most families, several
    /// where text stands between tiles.</summary>
    public required IReadOnlyList<int[]> VisualPositions { get; init; }

    /// <summary>Per image: its layout.</summary>
    public required IReadOnlyList<VisualTokenLayout> Layouts { get; init; }

    /// <summary>N.</summary>
    public int Length => TokenIds.Length;
}
