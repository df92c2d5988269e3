using System.CommandLine;
using Spectre.Console;

namespace D2Pruner.AI.Tests;

/// <summary>Runs a command in this process and takes what it writes.</summary>
internal static class ConsoleRun
{
    public static Task<(int Code, string Output, string Error)> OfAsync(Command command, params string[] args) =>
        OfAsync(() => command.Parse(args).InvokeAsync());

    public static async Task<(int Code, string Output, string Error)> OfAsync(Func<Task<int>> action)
    {
        var (consoleOut, consoleError, spectre) = (Console.Out, Console.Error, AnsiConsole.Console);
        using var output = new StringWriter();
        using var error = new StringWriter();
        Console.SetOut(output);
        Console.SetError(error);
        AnsiConsole.Console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(output) });
        AnsiConsole.Console.Profile.Width = 400;
        try
        {
            return (await action(), output.ToString(), error.ToString());
        }
        finally
        {
            Console.SetOut(consoleOut);
            Console.SetError(consoleError);
            AnsiConsole.Console = spectre;
        }
    }
}
