using System.CommandLine;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner completions</c>: scripts that make a shell complete commands, options and
/// their values by asking the tool.</summary>
internal static class CompletionsCommand
{
    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            _d2pruner() {
                local IFS=$'\n'
                COMPREPLY=($(compgen -W "$(d2pruner complete "${COMP_POINT}" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _d2pruner d2pruner
            """,
        // Autoloaded from fpath, the file is the function's first call.
        ["zsh"] = """
            #compdef d2pruner
            _d2pruner() {
                local line="${(j: :)words[1,CURRENT]}"
                local -a found
                found=(${(f)"$(d2pruner complete ${#line} "$line" 2>/dev/null)"})
                if (( ${#found} )); then compadd -- $found; else _files; fi
            }
            if [[ "$funcstack[1]" = _d2pruner ]]; then _d2pruner "$@"; else compdef _d2pruner d2pruner; fi
            """,
        ["fish"] = """
            complete -c d2pruner -a '(d2pruner complete (string length -- (commandline -cp)) (commandline -cp) 2>/dev/null)'
            """,
        ["pwsh"] = """
            Register-ArgumentCompleter -Native -CommandName d2pruner -ScriptBlock {
                param($word, $ast, $cursor)
                d2pruner complete ($cursor - $ast.Extent.StartOffset) "$ast" 2>$null | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
    };

    private static readonly Argument<string> Shell = new("SHELL") { Description = "bash, zsh, fish or pwsh." };
    private static readonly Argument<int> Position = new("POSITION");
    private static readonly Argument<string> Line = new("LINE");

    public static Command Create()
    {
        var command = new Command(
            "completions", "Prints a script that makes your shell complete this tool's commands, options and values, e.g.  source " +
            "<(d2pruner completions bash)") { Shell };
        if (Shell.CompletionSources.Count == 0) Shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        command.SetAction(parse => Console.WriteLine(Scripts[parse.GetValue(Shell)!]));
        return command;
    }

    /// <summary>What the scripts call.</summary>
    public static Command CreateComplete(RootCommand root)
    {
        var command = new Command("complete", "Prints completions of a command line.") { Position, Line };
        command.Hidden = true;
        command.SetAction(parse =>
        {
            foreach (var label in Complete(root, parse.GetValue(Position), parse.GetValue(Line)!)) Console.WriteLine(label);
        });
        return command;
    }

    /// <summary>Completions of a line that begins with the tool's name. A position behind its end is one behind a space: PowerShell
    /// leaves that out of the line.</summary>
    internal static IEnumerable<string> Complete(RootCommand root, int position, string line)
    {
        line = (position > line.Length ? line + ' ' : line[..Math.Max(0, position)]).TrimStart();
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var rest = space < 0 ? "" : line[(space + 1)..];
        return root.Parse(rest).GetCompletions(rest.Length).Select(c => c.InsertText ?? c.Label).Distinct()
            .Where(c => !c.StartsWith('/') && c is not ("-?" or "-h"));
    }
}
