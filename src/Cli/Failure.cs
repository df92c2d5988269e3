using System.Text;
using D2Pruner.AI.Runtime;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary>Errors that a user can mend are told in one message on standard error, without a stack trace.</summary>
internal static class Failure
{
    /// <summary>Runs work that takes its thread for long. On a thread of its own, for the command line listens to Ctrl-C only when it has
    /// the action's task.</summary>
    public static Task<int> GuardWork(Action action) => Guard(() => Task.Run(action));

    public static async Task<int> Guard(Func<Task> action)
    {
        try
        {
            await action();
            return 0;
        }
        catch (OperationCanceledException)
        {
            Error("Cancelled.");
            return 130;
        }
        catch (Exception e) when (e is InvalidDataException or NotFiniteNumberException
            || e.GetVisionErrorKind() is not null and not VisionErrorKind.Internal)
        {
            Error(Message(e));
            return 1;
        }
    }

    /// <summary>Writes an error, red in a terminal; piped it is never wrapped.</summary>
    public static void Error(string message)
    {
        if (Console.IsErrorRedirected || !AnsiConsole.Profile.Capabilities.Interactive) Console.Error.WriteLine($"error: {message}");
        else AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
            .MarkupLineInterpolated($"[red]error:[/] {message}");
    }

    // .NET appends the name of its own parameter, which means nothing to a user of the tool.
    private static string Message(Exception e)
    {
        var text = new StringBuilder(e.Message);
        if (e is ArgumentException { ParamName: { } name }) text.Replace($" (Parameter '{name}')", "");
        return text.ToString().Trim();
    }
}
