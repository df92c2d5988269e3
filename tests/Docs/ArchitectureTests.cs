using System.Text.RegularExpressions;
using Xunit;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>ARCHITECTURE.md names every folder and every room, and none that is not there.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string[] Roots = ["src", "samples", "tests", "templates", "packaging", "docs"];
    private static readonly Document Architecture = Document.Read("ARCHITECTURE.md");

    [Fact]
    public void EveryFolder_IsNamed_AndEveryNamedOneIsThere()
    {
        // The block at the top begins its lines with a folder; elsewhere a folder stands in backticks.
        var named = Architecture.Blocks.First().Code.Split('\n').Select(l => l.Split(' ')[0].TrimEnd('/'))
            .Concat(Architecture.Spans.Select(s => s.Code)).Where(n => Roots.Contains(n.Split('/')[0])).ToHashSet();
        // Two levels: what lies deeper is a matter of its room.
        var folders = TrackedFiles.Folders.Where(f => Roots.Contains(f.Split('/')[0]) && f.Count(c => c == '/') <= 1).ToList();
        var leaves = folders.Where(f => f.Contains('/') || !folders.Exists(g => g.StartsWith(f + "/", StringComparison.Ordinal)));
        Assert.All(leaves, l => Assert.True(named.Contains(l), $"{l} is not named"));
        Assert.All(named, n => Assert.True(TrackedFiles.Has(n), $"{n} is not there"));
    }

    [Theory]
    [InlineData("Rooms of the runtime, in their order", "src/Runtime")]
    [InlineData("Rooms of pruning", "src/Pruning")]
    public void EveryRoom_IsNamed_AndEveryNamedOneIsThere(string heading, string project)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, Architecture.Path)).ReplaceLineEndings("\n");
        var section = text.Split($"\n## {heading}\n")[1].Split("\n## ")[0];
        var named = Row().Matches(section).Select(m => m.Groups[1].Value);
        // Build steps that ship with a package are no room.
        var rooms = TrackedFiles.In(project, ".cs")
            .Select(f => f[(project.Length + 1)..]).Where(f => f.Contains('/')).Select(f => f.Split('/')[0]).Distinct()
            .Except(["buildTransitive"]);
        Assert.Equal(rooms.Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
