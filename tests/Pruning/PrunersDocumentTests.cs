using D2Pruner.AI.Cli;
using D2Pruner.AI.Pruning;
using Xunit;

namespace D2Pruner.AI.Tests.Pruning;

public sealed class PrunersDocumentTests
{
    [Fact]
    public void The_tables_are_those_of_the_descriptions()
    {
        // Renew them with: d2pruner methods
        var document = File.ReadAllText(Path.Combine(Repository.Root, "docs", "pruners.md")).ReplaceLineEndings("\n");
        Assert.Contains(PrunerTables.Markdown(PrunerRegistry.BuiltIn), document);
    }
}
