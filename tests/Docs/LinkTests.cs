using System.Text.RegularExpressions;
using Xunit;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>What documents name exists. Addresses of the web are not visited.</summary>
public sealed partial class LinkTests
{
    // A log's entries stay as they were written.
    private const string Log = "docs/log.md";

    public static TheoryData<string> Documents() => [.. Document.All];

    [Theory]
    [MemberData(nameof(Documents))]
    public void EveryLink_PointsAtSomething(string path)
    {
        var document = Document.Read(path);
        var broken = document.Links.Select(l => (l.Line, l.Target, Problem: Problem(document, l.Target))).Where(l => l.Problem is not null)
            .Select(l => $"{path}:{l.Line}: '{l.Target}' {l.Problem}");
        Assert.Equal("", string.Join('\n', broken));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void EveryPathInTheText_Exists(string path)
    {
        if (path == Log) return;
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, path));
        var missing = lines.SelectMany((text, i) => RepositoryPath().Matches(text).Select(m => (Line: i + 1, Target: m.Value)))
            .Where(m => !TrackedFiles.Has(m.Target)).Select(m => $"{path}:{m.Line}: {m.Target}");
        Assert.Equal("", string.Join('\n', missing));
    }

    [Fact]
    public void EveryDocumentThatTheCodeNames_Exists()
    {
        var missing = TrackedFiles.All.Where(f => Path.GetExtension(f) is ".cs" or ".targets")
            .SelectMany(f => DocumentPath().Matches(TrackedFiles.Read(f)).Select(m => (File: f, m.Value)))
            .Where(m => !TrackedFiles.Has(m.Value)).Select(m => $"{m.File}: {m.Value}");
        Assert.Equal("", string.Join('\n', missing));
    }

    [Fact]
    public void BrokenLinks_AreFound()
    {
        var readme = Document.Read("README.md");
        Assert.NotNull(Problem(readme, "docs/images/none.md"));
        Assert.NotNull(Problem(readme, "docs/cli.md#none"));
        Assert.NotNull(Problem(readme, "../README.md"));
        Assert.Null(Problem(readme, "docs/cli.md#images"));
        Assert.Null(Problem(readme, "#use-it"));
        Assert.Null(Problem(readme, "samples/ChatApp"));
    }

    private static string? Problem(Document from, string target)
    {
        if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal)) return null;
        var (path, anchor) = target.Split('#', 2) is [var p, var a] ? (p, a) : (target, null);
        var root = Path.GetFullPath(Repository.Root);
        var full = path.Length == 0 ? from.Path
            : Path.GetRelativePath(root, Path.Combine(root, Path.GetDirectoryName(from.Path)!, Uri.UnescapeDataString(path)))
                .Replace('\\', '/').TrimEnd('/');
        if (!TrackedFiles.Has(full)) return "points at nothing that is tracked";
        if (anchor is null) return null;
        if (!full.EndsWith(".md", StringComparison.Ordinal)) return "has an anchor, but is no document";
        return Document.Read(full).Anchors.Contains(anchor) ? null : $"names no heading of {full}";
    }

    [GeneratedRegex(@"(?<![\w/.:<-])(?:docs|src|samples|tests|templates|packaging)/[\w./-]*\w")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"(?<![\w/.-])docs/[\w-]+\.md")]
    private static partial Regex DocumentPath();
}
