using D2Pruner.AI.Pruning;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Evaluation.Rivals;

/// <summary>ToMe in the tower of a vision-language model: merging between attention and MLP of every block down to n patches.</summary>
internal static class ToMeRival
{
    /// <summary>The method.</summary>
    public static Rival Description { get; } = new()
    {
        Name = "tome",
        Summary = "Patches merge in every block of the tower down to n, an even share in each as far as halving allows; a merged token " +
        "stands at its first patch's place (the repository knows no language model).",
        WhyNot = RivalLimits.OneView,
        Input = Reduce,
    };

    /// <summary>How many patches to merge away in each block: even shares, more at first where the last blocks could not, for a block
    /// merges at most half.</summary>
    /// <param name="patches">Patches at first.</param>
    /// <param name="keep">Patches at the end.</param>
    /// <param name="blocks">Blocks.</param>
    public static int[] Schedule(int patches, int keep, int blocks)
    {
        var schedule = new int[blocks];
        for (var (i, left) = (0, patches); i < blocks; left -= schedule[i++])
        {
            var after = blocks - 1 - i;
            var reachable = after >= 30 ? int.MaxValue : (int)Math.Min(int.MaxValue, (long)keep << after);
            var share = (left - keep + after) / (after + 1);
            schedule[i] = Math.Min(left / 2, Math.Max(share, left - reachable));
        }

        return schedule;
    }

    private static InputRows Reduce(TowerView view, int keep)
    {
        var schedule = Schedule(view.Patches, keep, view.Read + 1);
        var (block, keys) = (0, default(RowMatrix));
        ToMe.State? state = null;
        using var read = view.Forward(
            (q, k, v) =>
            {
                using var scope = NewDisposeScope();
                keys = ToMe.Metric(Matrices.Of(Attention.MergeHeads(k).squeeze(0)), view.Heads);
                return Attend(q, k, v, state?.Sizes).MoveToOuterDisposeScope();
            },
            h =>
            {
                var tokens = Matrices.Of(h.squeeze(0));
                state = state is null ? ToMe.State.Start(tokens, keys) : state with { Tokens = tokens, Metric = keys };
                state = ToMe.Merge(state, schedule[block++], classToken: true);
                return tensor(state.Tokens.Values, [1, state.Tokens.Count, state.Tokens.Width]).MovedTo(h.device, h.dtype);
            });
        using var rows = read.squeeze(0);
        var all = Matrices.Of(rows);
        // Row 0 is the class token; the others in the order of their first patches.
        int[] order = [.. Enumerable.Range(1, all.Count - 1).OrderBy(i => state!.Groups[i][0])];
        int[] places = [.. order.Select(i => state!.Groups[i][0] - 1)];
        return new InputRows(all.Gather(order), places) { Places = places };
    }

    // A token of many patches weighs as many: its key columns get log(size).
    private static Tensor Attend(Tensor q, Tensor k, Tensor v, int[]? sizes)
    {
        if (sizes is null) return Attention.Fused(q, k, v, causal: false);
        var weights = tensor(sizes.Select(s => MathF.Log(s)).ToArray()).MovedTo(q.device);
        return Attention.Masked(q, k, v, weights.unsqueeze(0).expand(q.shape[2], sizes.Length));
    }
}
