using Xunit;

namespace D2Pruner.AI.Tests.Cli;

/// <summary>The completion scripts in the shells they are for, as far as those are installed here: the shell loads the script that the tool
/// prints, and asks it.</summary>
[Collection(TorchCollection.Name)]
public sealed class CompletionScriptTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // What bash does when Tab is pressed: the variables are set, the registered function is called.
    [SkippableTheory]
    [InlineData("d2pruner inspe", "inspect")]
    [InlineData("d2pruner ask --preset Loc", "Localization")]
    [InlineData("d2pruner ask --preset ", "Localization")]
    public async Task Bash(string line, string expected) => await CompletesAsync("bash", line, expected, """
        source <(d2pruner completions bash)
        COMP_LINE=$1; COMP_POINT=${#1}; read -r -a COMP_WORDS <<< "$1"
        if [[ $1 == *' ' ]]; then COMP_WORDS+=(''); fi
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        $(complete -p d2pruner | sed 's/.* -F \([^ ]*\) .*/\1/')
        printf '%s\n' "${COMPREPLY[@]}"
        """);

    // Both ways of loading it; compadd and compdef are the completion system's, which needs a terminal.
    [SkippableTheory]
    [InlineData("d2pruner inspe", "inspect")]
    [InlineData("d2pruner ask --preset Loc", "Localization")]
    [InlineData("d2pruner ask --preset ", "Localization")]
    public async Task Zsh(string line, string expected)
    {
        const string context = """
            compadd() { shift; print -l -- $@ }
            compdef() { registered=$1 }
            _files() { print files }
            words=("${(@s: :)1}"); CURRENT=${#words}

            """;
        await CompletesAsync("zsh", line, expected, context + "source <(d2pruner completions zsh)\n$registered");
        await CompletesAsync("zsh", line, expected, context + """
            d2pruner completions zsh > ${ZDOTDIR}/_d2pruner
            fpath=(${ZDOTDIR}); autoload _d2pruner
            _d2pruner
            """);
    }

    [SkippableTheory]
    [InlineData("d2pruner inspe", "inspect")]
    [InlineData("d2pruner ask --preset Loc", "Localization")]
    [InlineData("ls | d2pruner ask --preset ", "Localization")]
    public async Task Fish(string line, string expected) =>
        await CompletesAsync("fish", line, expected, "d2pruner completions fish | source\ncomplete -C $argv[1]");

    [SkippableTheory]
    [InlineData("d2pruner inspe", "inspect")]
    [InlineData("d2pruner ask --preset Loc", "Localization")]
    [InlineData("ls | d2pruner ask --preset ", "Localization")]
    public async Task PowerShell(string line, string expected) => await CompletesAsync("pwsh", line, expected, """
        d2pruner completions pwsh | Out-String | Invoke-Expression
        (TabExpansion2 $args[0] $args[0].Length).CompletionMatches.CompletionText
        """);

    private async Task CompletesAsync(string shell, string line, string expected, string script)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        Skip.If(OperatingSystem.IsWindows(), "the tool is put into PATH as a script of sh");
        Skip.IfNot(folders.Any(f => File.Exists(Path.Combine(f, shell))), $"{shell} is not installed here");
        var tool = _folder.File("d2pruner");
        await File.WriteAllTextAsync(tool, $"#!/bin/sh\nexec dotnet '{BuiltProgram.Path("src/Cli", "d2pruner")}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(tool, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        var file = _folder.File("script.ps1");
        await File.WriteAllTextAsync(file, script + "\n");
        var (_, output, errors) = await BuiltProgram.RunProcessAsync(
            shell, shell == "pwsh" ? ["-NoProfile", "-File", file, line] : [file, line], new Dictionary<string, string?>
            {
                ["PATH"] = string.Join(Path.PathSeparator, [_folder.Path, .. folders]),
                ["HOME"] = _folder.Path, // nobody's settings
                ["ZDOTDIR"] = _folder.Path,
            });
        Assert.True(output.Split('\n', StringSplitOptions.TrimEntries).Contains(expected), $"{shell}: {output}{errors}");
        Assert.Empty(errors);
    }
}
