using System.CommandLine;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner rm</c>: removes a model from the local cache.</summary>
internal static class RemoveCommand
{
    private static readonly Argument<string> Id =
        new("ID") { Description = "owner/name for all of a model, owner/name@revision for one revision." };

    public static Command Create()
    {
        var command = new Command("rm", "Removes a model from the local Hugging Face cache, with the files that nothing else uses.") { Id };
        command.SetAction((parse, _) => Failure.Guard(() =>
        {
            var id = parse.GetValue(Id)!;
            Console.WriteLine($"{id} removed: {Units.Bytes(ModelHub.Remove(id))} freed.");
            return Task.CompletedTask;
        }));
        return command;
    }
}
