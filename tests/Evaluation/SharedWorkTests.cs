using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>What conditions of one question share, and that they share no more.</summary>
[Collection(TorchCollection.Name)]
public sealed class SharedWorkTests
{
    private const string Tiny = "llava-1.5-a"; // 36 patches, 6 layers, 4 heads
    private const int MostRows = 16; // of a step

    [Fact]
    public void One_choice_of_two_pruners_is_read_and_answered_once()
    {
        using var q = new TinyQuestion(Tiny);
        var (first, second) = (new Chooser(2, [1, 7, 20]), new Chooser(2, [20, 1, 7]));
        var (a, b) = (Read(q.Forward, first), Read(q.Forward, second));
        q.Forward.Finish();
        Assert.Same(a.Open, b.Open);
        // Each has chosen by itself, and has its own time for that.
        Assert.Equal((1, 1), (first.Calls, second.Calls));
        Assert.Equal([1, 7, 20], b.Images[0].Kept);
        Assert.NotSame(a.Images, b.Images);
        Assert.Equal(a.PrefillTime - a.PruneTime, b.PrefillTime - b.PruneTime);
        Assert.InRange(b.PruneTime, TimeSpan.FromTicks(1), b.PrefillTime);

        using var other = new SharedForward(q.Model, q.Prompt, [q.Vision], default);
        var alone = Read(other, second);
        other.Finish();
        Assert.NotSame(alone.Open, b.Open);
        Assert.Equal((alone.Text, alone.CacheTokens), (b.Text, b.CacheTokens));
        Assert.Equal(alone.TokenIds, b.TokenIds);
        Assert.Equal(alone.VisualTokens, b.VisualTokens);
    }

    [Fact]
    public void Another_choice_place_or_value_is_another_prompt()
    {
        using var q = new TinyQuestion(Tiny);
        int[] kept = [1, 7, 20];
        ForwardAnswer[] all =
        [
            Read(q.Forward, new Chooser(2, kept)),
            Read(q.Forward, new Chooser(3, kept)),
            Read(q.Forward, new Chooser(0, kept)),
            Read(q.Forward, new Chooser(2, [1, 7, 21])),
            Read(q.Forward, new Chooser(2, kept), evict: false),
            Read(q.Forward, new Chooser(2, kept), most: TinyQuestion.MostTokens - 1),
            Read(q.Forward, new Chooser(2, kept) { Reindexes = true }),
            Read(q.Forward, new Chooser(2, kept) { Merges = true }),
            Read(q.Forward, new Chooser(2, kept) { Merges = true }),
            Read(q.Forward, new Chooser(2, kept) { Twice = true }),
            Read(q.Forward, new Chooser(2, kept) { Twice = true }),
        ];
        Assert.Equal(all.Length, all.Select(a => a.Open).Distinct().Count());
    }

    /// <summary>Two methods that differ only where an image has tiles.</summary>
    [Fact]
    public void HiRed_and_FasterVlm_are_one_prompt_on_one_grid()
    {
        using var q = new TinyQuestion(Tiny);
        Assert.Same(Of("hired").Open, Of("fastervlm").Open);
        Assert.NotSame(Of("hired").Open, Of("stride").Open);

        ForwardAnswer Of(string method)
        {
            var settings = MethodSettings.Of(new Condition(method, 2, 12));
            var pruner = MethodSettings.Create(settings, new() { Id = "", Task = "", Prompt = "" }, q.Prompt, 6);
            return q.Forward.Read(pruner, [[12]], null, true, TinyQuestion.MostTokens);
        }
    }

    [Fact]
    public void Answers_decoded_together_are_those_decoded_alone()
    {
        using var q = new TinyQuestion(Tiny);
        const int least = 3; // so that every answer takes steps
        Chooser[] choosers = [.. Enumerable.Range(1, MostRows + 4).Select(n => new Chooser(2, [.. Enumerable.Range(0, n)]))];
        using var together = new SharedForward(q.Model, q.Prompt, [q.Vision], default) { MinNewTokens = least };
        ForwardAnswer[] answers = [.. choosers.Select(c => Read(together, c))];
        // As many as a step takes are answered, the others wait.
        Assert.Equal(MostRows, answers.Count(a => a.Open.Text is not null));
        Assert.Throws<InvalidOperationException>(() => answers[^1].Text);
        together.Finish();
        for (var i = 0; i < answers.Length; i++)
        {
            using var other = new SharedForward(q.Model, q.Prompt, [q.Vision], default) { MinNewTokens = least };
            var alone = Read(other, choosers[i]);
            other.Finish();
            Assert.Equal(alone.TokenIds, answers[i].TokenIds);
            Assert.Equal(alone.Text, answers[i].Text);
            Assert.InRange(answers[i].TokenIds.Count, least, TinyQuestion.MostTokens);
        }
    }

    private static ForwardAnswer Read(SharedForward forward, Chooser chooser, bool evict = true, int most = TinyQuestion.MostTokens) =>
        forward.Read(chooser, [.. chooser.Schedule.Select(s => new[] { s.Budget.Tokens!.Value })], null, evict, most);

    private sealed class Chooser(int layers, int[] kept) : IVisualTokenPruner
    {
        public bool Reindexes { get; init; }

        public bool Merges { get; init; }

        public bool Twice { get; init; }

        public int Calls { get; private set; }

        public string Name => "chooser";

        public IReadOnlyList<PruningStage> Schedule => Twice ? [Stage(layers), Stage(layers + 1)] : [Stage(layers)];

        public TokenReduction Reduce(PruningContext context)
        {
            Calls++;
            return new TokenReduction { Kept = [.. kept], MergeWeights = Merges ? [new MergeWeight(0, kept[0] + 1, 1)] : null };
        }

        private PruningStage Stage(int k) =>
            new(PruningPoint.BeforeLayer(k), TokenBudget.OfTokens(kept.Length), PruningSignals.None, Reindexes);
    }
}
