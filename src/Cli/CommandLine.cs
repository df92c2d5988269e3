using System.CommandLine;
using System.CommandLine.Invocation;

namespace D2Pruner.AI.Cli;

/// <summary>Runs the tool's command line.</summary>
internal static class CommandLine
{
    /// <summary>Every command of the tool. Making them loads nothing native: help, <c>inspect</c> and what looks after machine
    /// and models work where libtorch is missing.</summary>
    public static RootCommand CreateRoot() =>
        new("Asks local vision-language models about images, with D²Pruner dropping the visual tokens that do not matter.")
        {
            AskCommand.Create(),
            ChatCommand.Create(),
            DoctorCommand.Create(),
            ModelsCommand.Create(),
            PullCommand.Create(),
            ListCommand.Create(),
            VerifyCommand.Create(),
            RemoveCommand.Create(),
            ServeCommand.Create(),
            InspectCommand.Create(),
            MethodsCommand.Create(),
            CalibrateCommand.Create(),
            OverlayCommand.Create(),
            CompletionsCommand.Create(),
            McpCommand.Create(),
            EvaluateCommand.Create(),
            TuneCommand.Create(),
            QuantizeCommand.Create(),
        };

    /// <summary>Parses and runs. What cannot be parsed is told in one line that points to the help.</summary>
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        root.Subcommands.Add(CompletionsCommand.CreateComplete(root));
        var parse = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parse.Action is not ParseErrorAction)
            return await parse.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TerminationTimeout(parse) });
        var names = new List<string>();
        for (var c = parse.CommandResult; c is not null; c = c.Parent as System.CommandLine.Parsing.CommandResult)
            names.Insert(0, c.Command is RootCommand ? "d2pruner" : c.Command.Name);
        var problem = parse.CommandResult.Command is RootCommand && parse.UnmatchedTokens is [var unknown, ..]
            ? $"There is no command '{unknown}'." : parse.Errors[0].Message.ReplaceLineEndings(" ").Trim();
        Failure.Error($"{problem} See '{string.Join(' ', names)} --help'.");
        return 1;
    }

    /// <summary>How long a command has to end by itself after Ctrl-C; null where it listens to signals itself: a server ends its answers
    /// first, a conversation stops an answer and goes on. A step of the long ones can take seconds.</summary>
    internal static TimeSpan? TerminationTimeout(ParseResult parse) => parse.CommandResult.Command.Name switch
    {
        "serve" or "chat" => null,
        "ask" when AskCommand.IsConversation(parse) => null,
        "evaluate" or "calibrate" or "tune" or "quantize" => TimeSpan.FromSeconds(30),
        _ => TimeSpan.FromSeconds(2),
    };
}
