using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>A Markdown document of the repository.</summary>
internal sealed class Document
{
    private static readonly MarkdownPipeline Pipeline =
        new MarkdownPipelineBuilder().UsePipeTables().UseAutoIdentifiers(AutoIdentifierOptions.GitHub).Build();

    private readonly MarkdownDocument _parsed;

    private Document(string path)
    {
        Path = path;
        _parsed = Markdown.Parse(File.ReadAllText(System.IO.Path.Combine(Repository.Root, path)), Pipeline);
    }

    /// <summary>Every tracked document.</summary>
    public static IReadOnlyList<string> All { get; } =
        [.. TrackedFiles.All.Where(f => f.EndsWith(".md", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Relative to the repository.</summary>
    public string Path { get; }

    /// <summary>Targets of links and images.</summary>
    public IEnumerable<(int Line, string Target)> Links =>
        _parsed.Descendants<LinkInline>().Where(l => l.Url is not null).Select(l => (l.Line + 1, l.Url!));

    /// <summary>Names of its headings, as links give them behind '#'.</summary>
    public IReadOnlySet<string> Anchors =>
        _parsed.Descendants<HeadingBlock>().Select(h => h.GetAttributes().Id).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>What stands in backticks inside a line.</summary>
    public IEnumerable<(int Line, string Code)> Spans => _parsed.Descendants<CodeInline>().Select(c => (c.Line + 1, c.Content));

    /// <summary>Blocks of code with their language, which is empty for commands of a shell.</summary>
    public IEnumerable<(int Line, string Language, string Code)> Blocks =>
        _parsed.Descendants<FencedCodeBlock>().Select(b => (b.Line + 1, b.Info ?? "", b.Lines.ToString()));

    public static Document Read(string path) => new(path);
}
