using D2Pruner.AI.Evaluation.Rivals;
using D2Pruner.AI.Evaluation.Running;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

/// <summary>What rivals learn from a run's first questions is learned once a run, however often it is stopped.</summary>
public sealed class RivalFitsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _learned;

    private string Path => _folder.File("fits.json");

    [Fact]
    public void Tables_are_read_when_a_run_goes_on()
    {
        var first = new RivalFits(Path, ["model", "question"]);
        Assert.Equal([64, 0], Get(first, 64));
        Assert.Equal([64, 0], Get(first, 64));
        Assert.Equal([32, 0], Get(first, 32));
        Assert.Equal(2, _learned);
        var resumed = new RivalFits(Path, ["model", "question"]);
        Assert.Equal([64, 0], Get(resumed, 64));
        Assert.Equal([32, 0], Get(resumed, 32));
        Assert.Equal(2, _learned);
        Assert.Equal([16, 0], Get(resumed, 16)); // a budget that was added
        Assert.Equal(3, _learned);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("""{"from":["model"]}""")]
    [InlineData("""{"from":"model","tables":{"r@2:64":[1,1]}}""")]
    [InlineData("""{"from":["model"],"tables":{"r@2:64":[1,1""")]
    [InlineData("""{"from":["model"],"tables":{"r@2:64":null}}""")]
    [InlineData("""{"from":["another model"],"tables":{"r@2:64":[1,1]}}""")]
    [InlineData("""{"from":["model","more"],"tables":{"r@2:64":[1,1]}}""")]
    public void A_file_that_is_damaged_or_of_something_else_is_written_anew(string text)
    {
        File.WriteAllText(Path, text);
        Assert.Equal([64, 0], Get(new RivalFits(Path, ["model"]), 64));
        Assert.Equal([64, 0], Get(new RivalFits(Path, ["model"]), 64));
        Assert.Equal(1, _learned);
    }

    public void Dispose() => _folder.Dispose();

    private int[] Get(RivalFits fits, int keep)
    {
        int[] used = [];
        var rival = new Rival
        {
            Name = "r",
            Summary = "",
            WhyNot = (_, _) => null,
            Fit = (_, condition) =>
            {
                _learned++;
                return [condition.Keep, 0];
            },
            Fitted = table =>
            {
                used = table;
                return new FitPruneRival(table);
            },
        };
        fits.Get(rival, new Condition("r", 2, keep), () => []);
        return used;
    }
}
