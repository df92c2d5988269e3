using D2Pruner.AI.Pruning;
using D2Pruner.AI.Pruning.Baselines;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

/// <summary>Methods describe themselves, and everything about them comes from there.</summary>
public sealed class PrunerRegistryTests
{
    private static readonly PrunerRegistry BuiltIn = PrunerRegistry.BuiltIn;

    public static TheoryData<string> Methods => [.. BuiltIn.Names];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_is_described_and_can_be_made(string name)
    {
        var d = BuiltIn.Get(name);
        Assert.Matches("^[a-z][a-z0-9-]*$", d.Name);
        Assert.EndsWith(".", d.Summary);
        Assert.Equal(PrunerDescription.Positions, d.Parameters[^1]);
        foreach (var p in d.Parameters)
        {
            Assert.Matches("^[a-z][a-z0-9_]*$", p.Name);
            Assert.Equal(p.Default, p.Read(p.Default));
        }

        var plan = BuiltIn.Plan(new PruningSettings { Method = name.ToUpperInvariant(), LayersBeforePruning = 3,
            LayersAreExplicit = d.Depth != PrunerDepth.AtInput }, 12);
        Assert.Equal((name, name), (plan.Pruner.Name, plan.Settings.Method));
        Assert.Equal(d.Parameters.Select(p => p.Name).Order(), plan.Settings.Parameters.Keys.Order());
        Assert.Equal(d.Depth == PrunerDepth.AtInput ? 0 : 3, plan.Settings.LayersBeforePruning); // a quarter of 12, too
        if (d.Depth != PrunerDepth.OwnStages)
            Assert.Equal(PruningPoint.BeforeLayer(plan.Settings.LayersBeforePruning), Assert.Single(plan.Pruner.Schedule).Point);
        Assert.All(plan.Pruner.Schedule, s => Assert.False(s.Reindex));
        var anew = BuiltIn.Plan(new PruningSettings { Method = name, Parameters = PrunerValues.Empty.With("positions", "reindexed") }, 12);
        Assert.All(anew.Pruner.Schedule, s => Assert.True(s.Reindex));
        if (d.UsesPrior) Assert.True(d.Signals.HasFlag(PruningSignals.LastRowAttention));
        var needsLayer = (d.Signals & (PruningSignals.LastRowAttention | PruningSignals.Keys)) != 0;
        if (d.Depth == PrunerDepth.AtLayers) Assert.Equal(needsLayer ? 1 : 0, d.LeastLayers);
    }

    [Fact]
    public void Descriptions_are_read_before_libtorch_is_loaded()
    {
        // A static field of a TorchSharp type would load libtorch as soon as the registry is made, before
        // an application could say where it lies.
        var touching = typeof(PrunerRegistry).Assembly.GetTypes()
            .Where(x => x.GetProperties(Statics).Any(p => p.PropertyType == typeof(PrunerDescription)))
            .SelectMany(x => x.GetFields(Statics))
            .Where(f => f.FieldType.Namespace?.StartsWith("TorchSharp", StringComparison.Ordinal) == true);
        Assert.Empty(touching.Select(f => $"{f.DeclaringType!.Name}.{f.Name}"));
    }

    private const System.Reflection.BindingFlags Statics =
        System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static;

    [Fact]
    public void Every_pruner_with_a_description_is_known()
    {
        var described = typeof(PrunerRegistry).Assembly.GetTypes().Where(x => x.IsAssignableTo(typeof(IVisualTokenPruner)))
            .SelectMany(x => x.GetProperties(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static))
            .Where(p => p.PropertyType == typeof(PrunerDescription)).Select(p => ((PrunerDescription)p.GetValue(null)!).Name);
        Assert.Equal(described.Order(StringComparer.Ordinal), PrunerRegistry.BuiltIn.Names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Parameters_that_share_a_name_are_of_one_sort()
    {
        foreach (var same in BuiltIn.All.SelectMany(d => d.Parameters).GroupBy(p => p.Name))
            Assert.Single(same.Select(p => (p.IsWhole, p.Choices.Count > 0)).Distinct());
    }

    [Fact]
    public void Unknown_methods_and_values_are_refused()
    {
        Assert.Contains("'other'",
            Assert.Throws<ArgumentException>(() => BuiltIn.Plan(new PruningSettings { Method = "other" }, 12)).Message);
        var wrong = new PruningSettings { Method = "random", Parameters = PrunerValues.Empty.With("seed", 1.5) };
        Assert.Contains("seed is 1.5", Assert.Throws<ArgumentException>(() => BuiltIn.Plan(wrong, 12)).Message);
        Assert.Contains("'random'", Assert.Throws<ArgumentException>(() => BuiltIn.With(RandomTokenPruner.Description)).Message);
    }

    [Fact]
    public void A_presets_K_is_capped_and_an_explicit_one_is_checked()
    {
        Assert.Equal(3, BuiltIn.Plan(new PruningSettings { LayersBeforePruning = 5 }, 4).Settings.LayersBeforePruning);
        Assert.Contains("0..3", Assert.Throws<ArgumentOutOfRangeException>(
            () => BuiltIn.Plan(new PruningSettings { LayersBeforePruning = 4, LayersAreExplicit = true }, 4)).Message);
        Assert.Equal(2, BuiltIn.Plan(
            new PruningSettings { Method = "divprune", LayersBeforePruning = 2, LayersAreExplicit = true },
            4).Settings.LayersBeforePruning);
    }

    [Fact]
    public void Where_a_prior_comes_from_is_decided_once()
    {
        PriorSource Of(PruningSettings s, bool learned = false) => BuiltIn.Plan(s, 12).PriorSource([2], learned);
        Assert.Equal(PriorSource.Model, Of(new PruningSettings()));
        Assert.Equal(PriorSource.Missing, Of(new PruningSettings { LayersBeforePruning = 3 }));
        Assert.Equal(PriorSource.Learned, Of(new PruningSettings { LayersBeforePruning = 3 }, true));
        Assert.Equal(PriorSource.Uniform, Of(new PruningSettings { Prior = "uniform" }));
        Assert.Equal(PriorSource.Named, Of(new PruningSettings { Prior = "some.safetensors" }));
        Assert.Equal(PriorSource.None, Of(new PruningSettings { Method = "fastv" }));
    }

    [Fact]
    public void Typed_parameters_and_named_ones_are_the_same()
    {
        var settings = new PruningSettings { Parameters = PrunerValues.Empty.With("theta", "0.7").With("alpha", 0.5), Rule = PivotRule.R3 };
        Assert.Equal((0.7, 0.5, PivotRule.R3), (settings.Theta, settings.Alpha, settings.Rule));
        Assert.Equal(settings, new PruningSettings { Rule = PivotRule.R3, Alpha = 0.5, Parameters = settings.Parameters });
        Assert.NotEqual(settings, settings with { Alpha = 0.6 });
    }

    [Fact]
    public void Reindexed_positions_count_text_too_and_shift_the_answer()
    {
        var layout = new VisualTokenLayout([new GridComponent("grid", 1, 4, [1, 2, 3, 4])]);
        var pruner = BuiltIn.Plan(
            new PruningSettings { Method = "stride", Parameters = PrunerValues.Empty.With("positions", "reindexed") }, 4).Pruner;
        var step = PromptReduction.Run(
            pruner, 0, PromptReductionState.Start(7, [layout]), c => new PruningContext { Layout = c.Layout, Budget = c.Budget }, [2]);
        Assert.Equal([0, 1, 3, 5, 6], step.Rows);
        Assert.Equal([0, 1, 2, 3, 4], step.State.Positions);
        Assert.Equal(2, step.State.PositionShift);
    }

    [Fact]
    public void Pooling_averages_windows_of_each_grid()
    {
        var layout = Layouts.Grids((3, 3), (2, 2));
        var reduction = BuiltIn.Plan(new PruningSettings { Method = "pool2x2" }, 4).Pruner.Reduce(
            new PruningContext { Layout = layout, Budget = 3 });
        Assert.Equal([0, 2, 6, 8, 9], reduction.Kept);
        Assert.Equal([(0, 0, 0.25f), (0, 1, 0.25f), (0, 3, 0.25f), (0, 4, 0.25f), (1, 2, 0.5f), (1, 5, 0.5f)],
            reduction.MergeWeights!.Take(6).Select(m => (m.Output, m.Source, m.Weight)));
        Assert.Equal(5, reduction.MergeWeights!.Sum(m => m.Weight));
        Assert.Equal([4], BuiltIn.Plan(new PruningSettings { Method = "pool3x3" }, 4).Pruner.Reduce(
            new PruningContext { Layout = Layouts.Grids((3, 3)), Budget = 1 }).Kept);
    }

    [Fact]
    public void Stride_is_spread_evenly() => Assert.Equal([0, 2, 5, 7], StrideTokenPruner.Select(10, 4));
}
