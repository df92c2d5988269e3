using D2Pruner.AI.Evaluation.Rivals;
using Xunit;

namespace D2Pruner.AI.Tests.Evaluation;

public sealed class EvaluationDocumentTests
{
    [Fact]
    public void Every_rival_stands_there_with_what_it_does()
    {
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "evaluation.md"));
        Assert.All(RivalCatalog.All, r => Assert.Contains($"| `{r.Name}` | {r.Summary} |", document));
    }

    /// <summary>A run that is given to be repeated says where its results go; without that it is refused.</summary>
    [Fact]
    public void Every_run_says_where_its_results_go()
    {
        var runs = File.ReadLines(Path.Combine(Repository.Root, "docs", "evaluation.md"))
            .Where(l => l.Contains("d2pruner evaluate --model ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(runs);
        Assert.All(runs, l => Assert.Contains(" --out ", l, StringComparison.Ordinal));
    }

    /// <summary>Every method that the comparison names has a row.</summary>
    [Theory]
    [InlineData("tome", "fastv", "hired", "fitprune", "prumerge", "prumerge+", "sparsevlm", "sparsevlm+", "pyramiddrop", "visionzip",
        "fastervlm", "globalcom2", "divprune", "dart", "vispruner", "cdpruner", "holov", "random", "stride", "pool2x2", "pool3x3",
        "oracle")]
    public void Every_method_has_a_row(params string[] names) =>
        Assert.All(names, n => Assert.Contains(n, D2Pruner.AI.Evaluation.Running.MethodSettings.Names));
}
