using System.CommandLine;
using D2Pruner.AI.Pruning;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner methods</c>: the pruning methods as they describe themselves; docs/pruners.md is its output.</summary>
internal static class MethodsCommand
{
    public static Command Create()
    {
        var command = new Command("methods", "Lists the pruning methods with their parameters (Markdown: the tables of docs/pruners.md).");
        command.SetAction((_, _) => Failure.Guard(() =>
        {
            Console.Write(PrunerTables.Markdown(PrunerRegistry.BuiltIn));
            return Task.CompletedTask;
        }));
        return command;
    }
}
