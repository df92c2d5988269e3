using D2Pruner.AI.Pruning;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

public sealed class PriorTests
{
    [Fact]
    public void Resize_is_half_pixel_bilinear_without_antialias()
    {
        Assert.Equal([0, 0.25f, 0.75f, 1], PriorResizer.Resize([0, 1], 1, 2, 1, 4)); // clamped at both ends
        Assert.Equal([1, 4], PriorResizer.Resize([0, 1, 2, 3, 4, 5], 1, 6, 1, 2)); // src 1 and 4, nothing averaged
        Assert.Equal([1.5f], PriorResizer.Resize([0, 1, 2, 3], 2, 2, 1, 1));
        Assert.Equal([1, 2, 3, 4], PriorResizer.Resize([1, 2, 3, 4], 2, 2, 2, 2));
        Assert.Throws<ArgumentException>(() => PriorResizer.Resize([1, 2], 1, 3, 1, 1));
    }

    [Fact]
    public void Layout_gets_its_components_in_order()
    {
        var prior = new PositionalBiasPrior("p", new Dictionary<(int, string), PriorMap>
        {
            [(2, "g1")] = new(1, 1, [7]),
            [(2, "g0")] = new(1, 2, [1, 2]),
            [(5, "g0")] = new(1, 2, [3, 4]),
        });
        Assert.Equal([1, 2, 7, 7], prior.ForLayout(2, Layouts.Grids((1, 2), (2, 1)))!);
        Assert.Null(prior.ForLayout(3, Layouts.Grids((1, 2))));
        Assert.Contains("K5.g1", Assert.Throws<InvalidOperationException>(() => prior.ForLayout(5, Layouts.Grids((1, 2), (2, 1)))).Message);
        Assert.Equal([2, 5], prior.Layers);
    }

    [Fact]
    public void Bad_maps_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new PriorMap(2, 2, [1, 2, 3]));
        Assert.Throws<ArgumentException>(() => new PriorMap(1, 1, [-1]));
        Assert.Throws<ArgumentException>(() => new PriorMap(1, 1, [float.NaN]));
        Assert.Throws<ArgumentException>(() => new PositionalBiasPrior("p", new Dictionary<(int, string), PriorMap>()));
    }

    [Fact]
    public void Relative_attention_divides_in_single_precision()
    {
        Assert.Equal([0.5f, 0.25f], RelativeAttention.Compute([0.5f, 0.25f], null));
        Assert.Equal([0.3f / (0.1f + 1e-7f), 0.2f / 1e-7f], RelativeAttention.Compute([0.3f, 0.2f], [0.1f, 0]));
        Assert.Throws<ArgumentException>(() => RelativeAttention.Compute([1], [1, 2]));
        Assert.Contains("token 1", Assert.Throws<NotFiniteNumberException>(() => RelativeAttention.Compute([1, float.NaN], null)).Message);
    }
}
