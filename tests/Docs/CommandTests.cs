using System.CommandLine;
using System.Xml.Linq;
using D2Pruner.AI.Cli;
using D2Pruner.AI.DemoModel.Commands;
using Xunit;

namespace D2Pruner.AI.Tests.Docs;

/// <summary>
/// Every command that a document shows, in a block or in backticks: the tool's own parser accepts it, the projects, files, flags and
/// packages that it names exist, and something runs it or <see cref="DocumentedCommands"/> says why not.
/// </summary>
public sealed class CommandTests
{
    private const string Log = "docs/log.md"; // what was measured once, as it was called then

    // What stands in backticks is a command if it begins so.
    private static readonly string[] Programs = ["d2pruner", "dotnet", "bash", "packaging/pack.sh"];

    private static readonly RootCommand Tool = CommandLine.CreateRoot();

    public static TheoryData<string> Documents() => [.. Document.All.Where(d => d != Log)];

    [Theory]
    [MemberData(nameof(Documents))]
    public void EveryCommand_IsRightAndRun(string path) =>
        Assert.Equal("", string.Join('\n', Commands(path).Select(c => (c.Line, c.Words, Problem: Problem(c.Words, c.Whole)))
            .Where(c => c.Problem is not null).Select(c => $"{path}:{c.Line}: {string.Join(' ', c.Words)}: {c.Problem}")));

    [Fact]
    public void CommandsAreFound()
    {
        Assert.Contains(Commands("README.md"), c => c.Words is ["dotnet", "test", ..]);
        Assert.Contains(Commands("docs/cli.md"), c => c.Whole && c.Words is ["d2pruner", "pull", ..]);
        Assert.Contains(Commands("docs/cli.md"), c => c.Words is ["d2pruner", "completions", "bash"]);
        Assert.Equal([["a", "b c"], ["d"], ["e", "f#"]], ShellCommands.Of("X=1 a 'b c' | d > out # g\ne \\\n f#"));
    }

    [Theory]
    [InlineData("d2pruner asks --model M", "asks")]
    [InlineData("d2pruner ask --model M --prompt x --imag y", "--imag")]
    [InlineData("d2pruner ask --prompt x", "--model")]
    [InlineData("dotnet run --project samples/None", "samples/None")]
    [InlineData("dotnet run -c Release --project samples/ChatApp -- --modell M", "--modell")]
    [InlineData("dotnet run -c Release --project samples/DemoModel -- sheets", "sheets")]
    [InlineData("dotnet test tests --filter Category=None", "None")]
    [InlineData("dotnet add package D2Pruner.AI.None", "D2Pruner.AI.None")]
    [InlineData("dotnet add package libtorch-cpu-linux-x64 --version 2.9.0", "2.10.0")]
    [InlineData("make all", "DocumentedCommands")]
    public void WhatIsWrong_IsFound(string command, string says) =>
        Assert.Contains(says, Problem(Assert.Single(ShellCommands.Of(command)), whole: true) ?? "", StringComparison.Ordinal);

    // That a class runs a command is seen in its source.
    [Fact]
    public void WhatRunsACommand_NamesIt()
    {
        foreach (var (name, type) in DocumentedCommands.Tool)
        {
            var source = Source(type);
            var command = name == "rm" ? "Remove" : $"{char.ToUpperInvariant(name[0])}{name[1..]}";
            string[] signs = [$"{command}Command", $"\"{name}\"", $"d2pruner {name}"];
            Assert.True(signs.Any(s => source.Contains(s, StringComparison.Ordinal)), $"{type.Name} does not run {name}");
        }

        foreach (var (program, type) in DocumentedCommands.Programs)
            Assert.Contains(program.Split('/')[1], Source(type), StringComparison.Ordinal);
        foreach (var (_, script, text) in DocumentedCommands.Scripts)
            Assert.Contains(text, TrackedFiles.Read(script), StringComparison.Ordinal);
        Assert.Equal(Tool.Subcommands.Select(c => c.Name).Order(), DocumentedCommands.Tool.Keys.Order());
    }

    // Blocks without a language are a shell's. In backticks a command may be named without all that it needs.
    private static IEnumerable<(int Line, string[] Words, bool Whole)> Commands(string path)
    {
        var document = Document.Read(path);
        foreach (var (line, language, code) in document.Blocks)
        {
            if (language.Length > 0) continue;
            foreach (var words in ShellCommands.Of(code)) yield return (line, Bare(words), true);
        }

        foreach (var (line, code) in document.Spans)
        {
            if (!Programs.Any(p => code.StartsWith(p + " ", StringComparison.Ordinal))) continue;
            foreach (var words in ShellCommands.Of(code)) yield return (line, Bare(words), false);
        }
    }

    // What may be left out stands in brackets, what goes on in dots.
    private static string[] Bare(string[] words) =>
        [.. words.Select(w => string.Concat(w.Split('[', ']'))).Where(w => w != "...")];

    private static string? Problem(string[] words, bool whole)
    {
        if (words[0] == "d2pruner") return OfTool(Tool, words[1..], whole);
        var line = string.Join(' ', words);
        if (words is ["dotnet", "run", ..] && Array.IndexOf(words, "--project") is > 0 and var at)
        {
            string[] arguments = [.. words.SkipWhile(w => w != "--").Skip(1)];
            var program = words[at + 1];
            if (OfProgram(program, arguments, whole) is { } problem) return problem;
            if (program == "src/Cli" || DocumentedCommands.Programs.ContainsKey(program)) return null;
        }
        else if (words is ["dotnet", "test" or "build", ..] && OfTests(words) is { } problem) return problem;
        else if (words is ["dotnet", "add", "package", var package, ..] && OfPackage(package, words) is { } unknown) return unknown;
        else if (words[0].Contains('/') && !TrackedFiles.Has(words[0])) return "there is no such file";
        return DocumentedCommands.Scripts.Any(s => line.StartsWith(s.Command, StringComparison.Ordinal))
            || DocumentedCommands.NotRun.Any(s => line.StartsWith(s.Command, StringComparison.Ordinal)) ? null
            : "nothing runs it, and DocumentedCommands does not say why";
    }

    private static string? OfTool(RootCommand root, string[] words, bool whole)
    {
        var parse = root.Parse(words);
        var errors = parse.Errors.Select(e => e.Message).Where(m => whole || !m.Contains("required", StringComparison.OrdinalIgnoreCase));
        if (string.Join(' ', errors) is { Length: > 0 } all) return all;
        return parse.CommandResult.Command is RootCommand && words is not ["--help" or "--version"] ? "names no sub-command" : null;
    }

    private static string? OfProgram(string project, string[] arguments, bool whole)
    {
        if (!TrackedFiles.In(project, ".csproj").Any()) return $"there is no project in {project}";
        if (project == "src/Cli") return OfTool(Tool, arguments, whole);
        if (project == "samples/DemoModel") return OfTool(DemoCommands.CreateRoot(), arguments, whole);
        // The others read their arguments themselves: flags, settings (--A:B=x) and sub-commands stand in their code.
        var source = string.Join('\n', TrackedFiles.In(project, ".cs").Concat(TrackedFiles.In(project, ".json")).Select(TrackedFiles.Read));
        bool Has(string text) => source.Contains($"\"{text}\"", StringComparison.Ordinal);
        var flags = arguments.Where(a => a.StartsWith("--", StringComparison.Ordinal)).ToList();
        var unknown = flags.Where(f => !Has(f) && !f[2..].Split('=')[0].Split(':').All(Has));
        if (unknown.FirstOrDefault() is { } flag) return $"{project} knows no {flag}";
        var command = project.StartsWith("tests/", StringComparison.Ordinal) ? arguments.FirstOrDefault() : null;
        return command is not null && command.All(char.IsAsciiLetterLower) && !Has(command) ? $"{project} has no command {command}" : null;
    }

    private static string? OfTests(string[] words)
    {
        if (words.Length > 2 && !words[2].StartsWith('-') && !TrackedFiles.Has(words[2].TrimEnd('/'))) return $"there is no {words[2]}";
        if (Array.IndexOf(words, "--filter") is not (> 0 and var at)) return null;
        return words[at + 1].Split('=', '~') switch
        {
            ["Category", var name] => TestTypes().Any(t => Categories(t).Contains(name)) ? null : $"no test has the category {name}",
            ["FullyQualifiedName", var part] => TestTypes().Any(t => t.FullName!.Contains(part, StringComparison.Ordinal)) ? null
                : $"no test's name contains {part}",
            _ => $"the filter {words[at + 1]} is not understood by this test",
        };
    }

    private static Type[] TestTypes() => typeof(CommandTests).Assembly.GetTypes();

    private static IEnumerable<string> Categories(Type type) =>
        type.GetCustomAttributesData().Concat(type.GetMethods().SelectMany(m => m.GetCustomAttributesData()))
            .Where(a => a.AttributeType == typeof(TraitAttribute) && (string)a.ConstructorArguments[0].Value! == "Category")
            .Select(a => (string)a.ConstructorArguments[1].Value!);

    private static string? OfPackage(string package, string[] words)
    {
        var ours = TrackedFiles.In("src", ".csproj").Select(f => Path.GetFileNameWithoutExtension(f));
        var version = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .FirstOrDefault(e => e.Attribute("Include")!.Value == package)?.Attribute("Version")!.Value;
        if (version is null) return ours.Contains(package) ? null : $"{package} is no package of this repository, nor one that it uses";
        return Array.IndexOf(words, "--version") is > 0 and var at && words[at + 1] != version
            ? $"the repository uses {package} {version}" : null;
    }

    private static string Source(Type type) => TrackedFiles.Read(TrackedFiles.In("tests", $"/{type.Name}.cs").Single());
}
