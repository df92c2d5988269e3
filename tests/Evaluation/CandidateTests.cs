using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Tests.Pruning;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>The hunt's candidates, written plainly for evaluation, choose what the product's rules of the same constants
/// choose: what wins can be served.</summary>
[Collection(TorchCollection.Name)]
public sealed class CandidateTests
{
    [Theory]
    [InlineData("plain-ladder:0.7", "d2pruner-ladder:pivot_ratio=0.7")]
    [InlineData("plain-ladder:0.3", "d2pruner-ladder:pivot_ratio=0.3")]
    [InlineData("farthest:0.3", "d2pruner-maxmin:pivot_share=0.3:relevance=0")]
    [InlineData("weighted:0.25", "d2pruner-maxmin:pivot_share=0:relevance=0.25")]
    [InlineData("weighted:0.5", "d2pruner-maxmin:pivot_share=0:relevance=0.5")]
    [InlineData("dpp:4", "d2pruner-dpp:grid_sigma=4")]
    public void A_candidate_is_a_rule_of_the_product(string candidate, string rule)
    {
        for (var seed = 1; seed <= 5; seed++)
        {
            using var scope = torch.NewDisposeScope();
            var random = new Random(seed);
            var layout = Layouts.Grids((10, 12));
            foreach (var n in new[] { 9, 30, 70 })
            {
                var context = new PruningContext
                {
                    Layout = layout,
                    Budget = n,
                    Attention = [.. Enumerable.Range(0, layout.Count).Select(_ => 0.01f + random.NextSingle())],
                    Prior = [.. Enumerable.Range(0, layout.Count).Select(_ => 0.1f + random.NextSingle())],
                    HiddenStates = Features.Clustered(layout.Count, 24, seed),
                };
                var plain = EvaluationPruners.Create(MethodSettings.Of(new Condition("d2pruner", 2, n)) with { Method = candidate })!;
                var served = PrunerRegistry.BuiltIn.Plan(MethodSettings.Of(new Condition(rule, 2, n)), 12).Pruner;
                Assert.Equal(plain.Reduce(context).Kept, served.Reduce(context).Kept);
            }
        }
    }

    [Fact]
    public void A_parameter_that_the_method_lacks_is_refused() =>
        Assert.Contains("theta", Assert.Throws<ArgumentException>(
            () => MethodSettings.Of(new Condition("d2pruner:no_such=1", 2, 9))).Message);
}
