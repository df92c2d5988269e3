using D2Pruner.AI.Pruning;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

public sealed class PromptReductionTests
{
    [Fact]
    public void Text_separators_and_small_images_stay()
    {
        // 0 text | 1 2 [3] 4 5 [6] image with newlines | 7 text | 8 9 small image | 10 text
        var first = new VisualTokenLayout([new GridComponent("mosaic", 2, 2, [1, 2, 4, 5])], [3, 6]);
        var calls = 0;
        var pruner = new FakePruner(_ => { calls++; return new TokenReduction { Kept = [1, 2] }; });
        var step = PromptReduction.Run(pruner, 0, PromptReductionState.Start(11, [first, Layouts.At(8, (1, 2))]), Context, [2, 5]);

        Assert.Equal([0, 2, 3, 4, 6, 7, 8, 9, 10], step.Rows);
        Assert.Equal(step.Rows, step.State.PromptPositions);
        Assert.Equal(step.Rows, step.State.Positions);
        Assert.Equal(1, calls);
        Assert.Equal([1, 2], step.Images[0].Kept);
        Assert.Equal([2, 4], step.Images[0].KeptPositions);
        Assert.Equal([0, 1], step.Images[1].Kept);
        Assert.Equal(0, step.Images[1].Statistics.Pivots);
        Assert.Null(step.MergeWeights);
        Assert.False(step.KeepsEverything);
        Assert.Equal([0, 2, 4, 5, 8], step.State.OtherRows());
    }

    [Fact]
    public void Nothing_to_prune_calls_nobody()
    {
        var pruner = new FakePruner(_ => throw new InvalidOperationException("must not be called"));
        var state = PromptReductionState.Start(5, [Layouts.At(1, (1, 3))]);
        var step = PromptReduction.Run(pruner, 0, state, _ => throw new InvalidOperationException("must not be called"), [3]);
        Assert.True(step.KeepsEverything);
        Assert.Equal([0, 1, 2, 3, 4], step.Rows);
        Assert.True(PromptReduction.Run(pruner, 0, PromptReductionState.Start(3, []), Context, []).KeepsEverything);
    }

    [Fact]
    public void Later_stages_see_what_is_left()
    {
        var seen = new List<ImageCandidates>();
        var pruner = new FakePruner(c => new TokenReduction { Kept = c.StageIndex == 0 ? [0, 2, 3, 5] : [1, 3] }, 2);
        PruningContext Spy(ImageCandidates c)
        {
            seen.Add(c);
            return Context(c);
        }
        var start = PromptReductionState.Start(9, [Layouts.At(2, (2, 3))]);
        var one = PromptReduction.Run(pruner, 0, start, Spy, [4]);
        Assert.Equal([0, 1, 2, 4, 5, 7, 8], one.Rows);
        var two = PromptReduction.Run(pruner, 1, one.State, Spy, [2]);

        Assert.Equal([0, 2, 3, 5], seen[1].Remaining!);
        Assert.Equal([2, 3, 4, 5], seen[1].Rows); // rows of the shortened sequence
        Assert.Equal([0, 1, 3, 5, 6], two.Rows);
        Assert.Equal([0, 1, 4, 7, 8], two.State.PromptPositions);
        Assert.Equal([2, 5], two.Images[0].Kept); // layout indices
        Assert.Equal(4, two.Images[0].Before);
        // n at or above what is left keeps it.
        Assert.True(PromptReduction.Run(pruner, 1, two.State, Spy, [4]).KeepsEverything);
    }

    [Fact]
    public void Merges_and_positions_are_lifted_and_sorted()
    {
        var pruner = new FakePruner(_ => new TokenReduction
        {
            Kept = [3, 0], // unsorted on purpose
            Positions = [4, 1],
            MergeWeights = [new MergeWeight(0, 3, 0.5f), new MergeWeight(0, 2, 0.5f)],
        });
        var step = PromptReduction.Run(pruner, 0, PromptReductionState.Start(7, [Layouts.At(2, (2, 2))]), Context, [2]);
        Assert.Equal([0, 1, 2, 5, 6], step.Rows);
        Assert.Equal([0, 1, 1, 4, 6], step.State.Positions);
        Assert.Equal([new MergeWeight(3, 5, 0.5f), new MergeWeight(3, 4, 0.5f)], step.MergeWeights);
        Assert.Equal([0, 3], step.Images[0].Kept);
    }

    [Fact]
    public void The_last_token_stays_even_if_it_is_visual()
    {
        var pruner = new FakePruner(_ => new TokenReduction { Kept = [0] });
        var step = PromptReduction.Run(pruner, 0, PromptReductionState.Start(4, [Layouts.At(1, (1, 3))]), Context, [1]);
        Assert.Equal([0, 1, 3], step.Rows);
        Assert.Equal([0, 2], step.Images[0].Kept);
    }

    [Theory]
    [InlineData(new[] { 0 }, "1 kept tokens where exactly 2")]
    [InlineData(new[] { 0, 1, 2 }, "3 kept tokens where exactly 2")]
    [InlineData(new[] { 1, 1 }, "token 1 twice")]
    [InlineData(new[] { 0, 4 }, "token 4, outside 0..3")]
    [InlineData(new[] { -1, 0 }, "token -1, outside 0..3")]
    public void Wrong_answers_name_the_pruner(int[] kept, string message)
    {
        var pruner = new FakePruner(_ => new TokenReduction { Kept = kept });
        var error = Assert.Throws<InvalidOperationException>(
            () => PromptReduction.Run(pruner, 0, PromptReductionState.Start(6, [Layouts.At(1, (2, 2))]), Context, [2]));
        Assert.Contains("'fake'", error.Message);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void Wrong_merges_and_positions_are_refused()
    {
        var state = PromptReductionState.Start(6, [Layouts.At(1, (2, 2))]);
        void Refused(TokenReduction answer) =>
            Assert.Throws<InvalidOperationException>(() => PromptReduction.Run(new FakePruner(_ => answer), 0, state, Context, [2]));
        Refused(new TokenReduction { Kept = [0, 1], Positions = [1] });
        Refused(new TokenReduction { Kept = [0, 1], Positions = [1, 6] });
        Refused(new TokenReduction { Kept = [0, 1], MergeWeights = [new MergeWeight(2, 0, 1)] });
        Refused(new TokenReduction { Kept = [0, 1], MergeWeights = [new MergeWeight(0, 4, 1)] });
        Refused(new TokenReduction { Kept = [0, 1], MergeWeights = [new MergeWeight(0, 0, float.NaN)] });
    }

    [Fact]
    public void Wrong_input_is_refused()
    {
        var pruner = new FakePruner(_ => new TokenReduction { Kept = [0] });
        var state = PromptReductionState.Start(6, [Layouts.At(1, (2, 2))]);
        Assert.Throws<ArgumentException>(() => PromptReduction.Run(pruner, 1, state, Context, [1]));
        Assert.Throws<ArgumentException>(() => PromptReduction.Run(pruner, 0, state, Context, [0]));
        Assert.Throws<ArgumentException>(() => PromptReduction.Run(pruner, 0, state, Context, []));
        Assert.Throws<ArgumentException>(() => PromptReductionState.Start(3, [Layouts.At(1, (2, 2))]));
        Assert.Throws<ArgumentException>(() => PromptReductionState.Start(9, [Layouts.At(1, (2, 2)), Layouts.At(4, (1, 2))]));
        Assert.Throws<OperationCanceledException>(() => PromptReduction.Run(pruner, 0, state, Context, [1], new CancellationToken(true)));
    }

    private static PruningContext Context(ImageCandidates c) =>
        new() { Layout = c.Layout, Budget = c.Budget, StageIndex = c.StageIndex, Remaining = c.Remaining };
}
