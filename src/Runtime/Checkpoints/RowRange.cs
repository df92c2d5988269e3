using TorchSharp;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Consecutive rows of a matrix.</summary>
/// <param name="Start">First row.</param>
/// <param name="Length">Rows.</param>
internal readonly record struct RowRange(long Start, long Length)
{
    /// <summary>The rows of some ranges one after another, in memory of their own; differentiable.</summary>
    internal static torch.Tensor Select(torch.Tensor t, IReadOnlyList<RowRange> ranges)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor[] views = [.. ranges.Select(r => t.narrow(0, r.Start, r.Length))];
        return torch.cat(views, 0).MoveToOuterDisposeScope();
    }
}
