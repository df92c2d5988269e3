using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning.Baselines;
using D2Pruner.AI.Runtime.Layers;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>What rivals make of the tower's output in an evaluation is what the functions that pass the official code's cases make of the
/// same signals.</summary>
[Collection(TorchCollection.Name)]
public sealed class InputRivalTests
{
    private const string Tiny = "llava-1.5-a"; // 6 x 6 patches
    private const string Tiled = "llava-next-vicuna"; // tiles of 4 x 4
    private const int Keep = 12;

    [Fact]
    public void VisionZip_on_one_view()
    {
        using var q = new TinyQuestion(Tiny);
        using var scope = torch.NewDisposeScope();
        var s = new TowerSignals(q);
        var rows = Rows("visionzip", q);
        var expected = VisionZip.Reduce(s.Cls(0, s.Read), s.Keys(0, s.Read), s.Features(0), s.Heads, 10, 2);
        Assert.Equal(expected.Dominant, rows.Kept);
        Close(expected.Tokens, rows.Features);
        Assert.Equal(Keep, rows.Features.Count);
    }

    [Fact]
    public void VisionZip_on_tiles()
    {
        using var q = new TinyQuestion(Tiled);
        using var scope = torch.NewDisposeScope();
        var (s, views) = (new TowerSignals(q), Enumerable.Range(0, q.View!.Views).ToArray());
        var rows = RivalCatalog.Find("visionzip")!.Input!(q.View, 6 * views.Length);
        var (_, tokens) = VisionZip.ReduceViews([.. views.Select(v => s.Cls(v, s.Read))], [.. views.Select(v => s.Keys(v, s.Read))],
            [.. views.Select(s.Features)], s.Heads, 5, 1, q.View.Grid!.Value);
        Close(tokens, rows.Features);
    }

    [Theory]
    [InlineData("prumerge")]
    [InlineData("prumerge+")]
    public void PruMerge_at_n_and_as_published(string name)
    {
        using var q = new TinyQuestion(Tiny);
        using var scope = torch.NewDisposeScope();
        var s = new TowerSignals(q);
        var (keys, features) = (s.Keys(0, s.Last), s.Features(0).Slice(1, q.View!.Patches));
        var attention = PruMerge.Attention(keys, s.ClsQuery(0, s.Last));
        var rows = Rows(name, q);
        Assert.Equal(Keep, rows.Features.Count);
        Close(PruMerge.Merge(features, keys, attention, PruMerge.KeptOf(attention, Keep - 1, name[^1] == '+')), rows.Features);
        (int[] Kept, int ByAttention, RowMatrix Tokens)? published = null;
        try
        {
            published = PruMerge.Reduce(features, keys, s.ClsQuery(0, s.Last), name[^1] == '+');
        }
        catch (ArgumentException)
        {
            Assert.Throws<PublishedFailureException>(() => Rows(name + ":official", q));
        }

        if (published is { } p) Close(p.Tokens, Rows(name + ":official", q).Features);
    }

    [Fact]
    public void PruMergeOfN_takes_outliers_first()
    {
        double[] attention = [.. Enumerable.Range(0, 36).Select(i => i is 7 or 20 ? 0.3 : 0.01 + 0.0001 * i)];
        Assert.Equal([7, 20], PruMerge.KeptOf(attention, 2, false));
        var plus = PruMerge.KeptOf(attention, 10, true);
        Assert.Equal([7, 20], plus[..2]);
        Assert.Equal(10, plus.Distinct().Count());
    }

    [Fact]
    public void Official_forms_choose_what_the_published_functions_choose()
    {
        using var q = new TinyQuestion(Tiny);
        using var scope = torch.NewDisposeScope();
        var s = new TowerSignals(q);
        var cls = s.Cls(0, s.Read);
        var (attention, patches) = (RivalMath.MeanOfHeads(cls, 1), s.Features(0).Slice(1, 36));
        var projected = Matrices.Of(q.Vision.Features);
        var expected = new Dictionary<string, int[]>
        {
            ["fastervlm"] = FasterVlm.Select(cls, Keep),
            ["hired"] = HiRed.Select(cls, 12.001 / 36),
            ["holov"] = HoloV.Select(attention, projected, Keep),
            ["vispruner"] = VisPruner.Select(attention, patches, Keep, 0.5),
            ["divprune"] = [.. DivPrune.Select(projected, Keep).Order()],
        };
        foreach (var (name, kept) in expected)
        {
            var rows = Rows($"{name}:official", q);
            Close(patches.Gather(kept), rows.Features);
            Assert.Equal(kept.Order(), rows.Kept);
            Assert.Equal(Keep - kept.Length, rows.Zero);
        }
    }

    [Fact]
    public void GlobalCom2_on_tiles()
    {
        using var q = new TinyQuestion(Tiled);
        using var scope = torch.NewDisposeScope();
        var (s, view) = (new TowerSignals(q), q.View!);
        var candidates = q.Prompt.Layouts[0].Count;
        var rows = RivalCatalog.Find("globalcom2")!.Input!(view, candidates / 2);
        double[][] scores = [.. Enumerable.Range(0, view.Views).Select(s.ClsScores)];
        var (first, mosaic, _) = GlobalCom2.Select(scores, candidates / 2 / (double)candidates, view.Grid!.Value,
            q.Image.OriginalWidth, q.Image.OriginalHeight);
        ViewToken[] all = [.. first.Select(t => new ViewToken(0, t)), .. mosaic];
        Assert.Equal(all.Length, rows.Order!.Length);
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i] == ViewToken.None) Assert.Equal(-1, rows.Order[i]);
            else Assert.Equal(s.Features(all[i].View)[1 + all[i].Token].ToArray(), rows.Features[rows.Order[i]].ToArray(), new Near());
        }

        Assert.NotEmpty(q.Forward.Answer(new RivalImage(view), RivalCatalog.Find("globalcom2")!, candidates / 2, 4).TokenIds);
    }

    [Fact]
    public void ToMe_merges_in_every_block()
    {
        using var q = new TinyQuestion(Tiny);
        using var scope = torch.NewDisposeScope();
        var view = q.View!;
        var rows = Rows("tome", q);
        // A plain second way: whole maps, log(size) on the columns.
        var (schedule, tower, block) = (ToMeRival.Schedule(36, Keep, view.Read + 1), TowerView.TowerOf(q.Model)!.Value.Tower, 0);
        RowMatrix metric = default;
        ToMe.State? state = null;
        var read = tower.Clip.Forward(tower.Pixels([q.Image]), tower.Config.FeatureLayers, null, null, (query, key, value) =>
        {
            metric = Matrices.Of(key.mean([1]).squeeze(0));
            var sizes = state?.Sizes ?? [.. Enumerable.Repeat(1, (int)key.shape[2])];
            return Attention.Explicit(query, key, value, torch.tensor(sizes.Select(n => (float)Math.Log(n)).ToArray()));
        }, merge: h =>
        {
            state = ToMe.Merge((state ?? ToMe.State.Start(Matrices.Of(h[0]), metric)) with { Tokens = Matrices.Of(h[0]), Metric = metric },
                schedule[block++], classToken: true);
            return torch.tensor(state.Tokens.Values, [1, state.Tokens.Count, state.Tokens.Width]);
        })[0];
        var places = state!.Groups.Select((g, i) => (First: g[0], Row: i)).Where(g => g.First > 0).OrderBy(g => g.First).ToArray();
        Assert.Equal(places.Select(p => p.First - 1), rows.Places!);
        Close(Matrices.Of(read[0]).Gather([.. places.Select(p => p.Row)]), rows.Features);
        Assert.Equal(36, state.Groups.Where(g => g[0] > 0).Sum(g => g.Length));
    }

    [Theory]
    [InlineData(576, 192, 6)]
    [InlineData(576, 64, 6)]
    [InlineData(576, 64, 23)]
    [InlineData(576, 2, 9)]
    [InlineData(576, 576, 6)]
    [InlineData(36, 12, 3)]
    public void ToMe_reaches_n(int patches, int keep, int blocks)
    {
        var left = patches;
        foreach (var r in ToMeRival.Schedule(patches, keep, blocks))
        {
            Assert.InRange(r, 0, left / 2);
            left -= r;
        }

        Assert.Equal(keep, left);
    }

    /// <summary>All patches in their places are the unpruned prompt, and numbering them anew changes nothing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_patch_is_unpruned(bool places)
    {
        using var q = new TinyQuestion(Tiny);
        var all = new Rival
        {
            Name = "all", Summary = "", WhyNot = (_, _) => null,
            Input = (view, _) => new InputRows(view.Features(0).Slice(1, 36), [.. Enumerable.Range(0, 36)])
            {
                Places = places ? [.. Enumerable.Range(0, 36)] : null,
            },
        };
        var answer = q.Forward.Answer(new RivalImage(q.View!), all, 36, TinyQuestion.MostTokens);
        Assert.Equal(q.Unpruned.TokenIds, answer.TokenIds);
        Assert.Equal(q.Unpruned.CacheTokens, answer.CacheTokens);
    }

    /// <summary>The way of dropped patches, ids kept or anew, is the one that served methods go.</summary>
    [Theory]
    [InlineData("kept")]
    [InlineData("reindexed")]
    public void Chosen_patches_are_what_served_methods_do(string positions)
    {
        using var q = new TinyQuestion(Tiny);
        var kept = Rows("fastervlm:official", q).Kept;
        var rival = new Rival
        {
            Name = "some", Summary = "", WhyNot = (_, _) => null,
            Input = (view, _) => new InputRows(view.Features(0).Gather([.. kept.Select(k => k + 1)]), kept)
            {
                Places = positions == "kept" ? kept : null,
            },
        };
        var settings = MethodSettings.Of(new Condition($"fastervlm:positions={positions}", 0, Keep));
        var served = q.Forward.Answer(
            MethodSettings.Create(settings, new() { Id = "", Task = "", Prompt = "" }, q.Prompt, q.Model.Info.DecoderLayers), [[Keep]],
            null, true, TinyQuestion.MostTokens);
        Assert.Equal(kept, served.Images[0].Kept);
        Assert.Equal(served.TokenIds, q.Forward.Answer(new RivalImage(q.View!), rival, Keep, TinyQuestion.MostTokens).TokenIds);
    }

    private static InputRows Rows(string name, TinyQuestion q) => RivalCatalog.Find(name)!.Input!(q.View!, Keep);

    private static void Close(RowMatrix expected, RowMatrix actual)
    {
        Assert.Equal((expected.Count, expected.Width), (actual.Count, actual.Width));
        Assert.Equal(expected.Values, actual.Values, new Near());
    }

    private sealed class Near : IEqualityComparer<float>
    {
        public bool Equals(float x, float y) => MathF.Abs(x - y) <= 1e-4f * MathF.Max(1, MathF.Abs(x));

        public int GetHashCode(float x) => 0;
    }
}
