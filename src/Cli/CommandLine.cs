using System.CommandLine;
using System.CommandLine.Invocation;

namespace D2Pruner.AI.Cli;

/// <summary>Runs the tool's command line.</summary>
internal static class CommandLine
{
    /// <summary>Parses and runs. What cannot be parsed is told in one line that points to the help.</summary>
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        root.Subcommands.Add(CompletionsCommand.CreateComplete(root));
        var parse = root.Parse(args.Length == 0 ? ["--help"] : args);
        // A server ends its answers before it ends: its host listens to the signals itself, without this library's two seconds.
        if (parse.Action is not ParseErrorAction)
            return await parse.InvokeAsync(args is ["serve", ..] ? new InvocationConfiguration { ProcessTerminationTimeout = null } : null);
        var names = new List<string>();
        for (var c = parse.CommandResult; c is not null; c = c.Parent as System.CommandLine.Parsing.CommandResult)
            names.Insert(0, c.Command is RootCommand ? "d2pruner" : c.Command.Name);
        Failure.Error($"{parse.Errors.Select(e => e.Message.ReplaceLineEndings(" ").Trim()).First()} See " +
            $"'{string.Join(' ', names)} --help'.");
        return 1;
    }
}
