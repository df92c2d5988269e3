using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Text;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary>Errors that a user can mend are told in one message, without a stack trace.</summary>
internal static class Failure
{
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
        catch (Exception e) when (e is ArgumentException or CheckpointException or PriorMismatchException or SafetensorsException or ImageDecodeException or TokenizerException or PromptException or TorchUnavailableException or IOException or NotSupportedException or UnauthorizedAccessException)
        {
            Error(e.Message);
            return 1;
        }
    }

    private static void Error(string message) => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }).MarkupLineInterpolated($"[red]error:[/] {message}");
}
