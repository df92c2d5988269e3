using D2Pruner.AI.Pruning;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

public sealed class BudgetSplitTests
{
    [Theory]
    [InlineData(1.0 / 3, 576, 192)]
    [InlineData(0.111, 576, 63)]
    [InlineData(0.29, 100, 28)] // 28.999999999999996 in double
    [InlineData(0.001, 100, 1)]
    [InlineData(1.0, 7, 7)]
    public void Ratio_floors_each_image_and_keeps_one(double ratio, int count, int expected) =>
        Assert.Equal([expected, 1], BudgetSplit.Split(TokenBudget.OfRatio(ratio), [count, 1]));

    /// <summary>The published code of FastV and DivPrune rounds, halves to the even number.</summary>
    [Theory]
    [InlineData(0.29, 100, 28, 29)]
    [InlineData(0.5, 5, 2, 2)]
    [InlineData(0.5, 7, 3, 4)]
    [InlineData(0.001, 100, 1, 1)]
    public void A_ratio_is_rounded_as_the_method_is_told(double ratio, int count, int floor, int nearest)
    {
        foreach (var method in new[] { "d2pruner", "fastv", "pyramiddrop" })
        {
            int[] Split(string? rounding)
            {
                var values = rounding is null ? PrunerValues.Empty : PrunerValues.Empty.With("rounding", rounding);
                var settings = new PruningSettings { Method = method, Budget = TokenBudget.OfRatio(ratio), Parameters = values };
                var budget = PrunerRegistry.BuiltIn.Plan(settings, 32).Pruner.Schedule[^1].Budget;
                return BudgetSplit.Split(budget, [count, count], [null, TokenBudget.OfRatio(ratio)]); // one has a ratio of its own
            }

            Assert.Equal([floor, floor], Split(null));
            Assert.Equal([floor, floor], Split("floor"));
            Assert.Equal([nearest, nearest], Split("Nearest"));
        }
    }

    [Fact]
    public void Tokens_sum_to_the_budget_or_the_images()
    {
        var random = new Random(1);
        for (var trial = 0; trial < 500; trial++)
        {
            var counts = Enumerable.Range(0, random.Next(1, 9)).Select(_ => random.Next(1, random.Next(2, 900))).ToArray();
            var tokens = random.Next(1, 2000);
            var split = BudgetSplit.Split(TokenBudget.OfTokens(tokens), counts);
            Assert.Equal(Math.Max(Math.Min(tokens, counts.Sum()), counts.Length), split.Sum());
            Assert.All(split.Zip(counts), s => Assert.InRange(s.First, 1, s.Second));
        }
    }

    [Fact]
    public void An_image_with_its_own_budget_takes_no_part_in_the_split()
    {
        TokenBudget?[] own = [null, TokenBudget.OfRatio(1), TokenBudget.OfTokens(7), null];
        Assert.Equal([50, 400, 7, 50], BudgetSplit.Split(TokenBudget.OfTokens(100), [300, 400, 500, 300], own));
        Assert.Equal([150, 400, 7, 150], BudgetSplit.Split(TokenBudget.OfRatio(0.5), [300, 400, 500, 300], own));
        Assert.Equal([5], BudgetSplit.Split(TokenBudget.OfTokens(100), [5], [TokenBudget.OfTokens(9)]));
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        Assert.Throws<ArgumentException>(() => BudgetSplit.Split(default, [5]));
        Assert.Throws<ArgumentException>(() => BudgetSplit.Split(TokenBudget.OfTokens(1), [0]));
        Assert.Throws<ArgumentException>(() => BudgetSplit.Split(TokenBudget.OfTokens(1), [5], []));
        Assert.Empty(BudgetSplit.Split(TokenBudget.OfTokens(1), []));
    }
}
