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

    /// <summary>Every method that the comparison names has a row.</summary>
    [Theory]
    [InlineData("tome", "fastv", "hired", "fitprune", "prumerge", "prumerge+", "sparsevlm", "sparsevlm+", "pyramiddrop", "visionzip",
        "fastervlm", "globalcom2", "divprune", "dart", "vispruner", "cdpruner", "holov", "random", "stride", "pool2x2", "pool3x3",
        "oracle")]
    public void Every_method_has_a_row(params string[] names) =>
        Assert.All(names, n => Assert.Contains(n, D2Pruner.AI.Evaluation.Running.MethodSettings.Names));
}
