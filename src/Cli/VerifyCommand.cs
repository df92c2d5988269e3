using System.CommandLine;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner verify</c>: compares a cached model with its hashes.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<string> Id = new("ID") { Description = "The model: owner/name or owner/name@revision." };

    public static Command Create()
    {
        var command = new Command(
            "verify", "Reads every file of a cached model and compares it with its hash. Ends with 1 when something is damaged or " +
            "missing.") { Id };
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse.GetValue(Id)!, ct)));
        return command;
    }

    private static async Task Run(string id, CancellationToken cancellationToken)
    {
        var files = await TransferDisplay.RunAsync(progress => ModelHub.VerifyAsync(id, null, progress, cancellationToken));
        foreach (var f in files)
        {
            var verdict = f.Problem is not null ? "DAMAGED" : f.Checked ? "ok" : "no hash";
            Console.WriteLine($"{verdict,-8} {f.Name}{(f.Problem is null ? $", {Units.Short(f.Bytes)}" : $": {f.Problem}")}");
        }

        if (files.Any(f => f.Problem is not null))
            throw new CheckpointException(id, [$"files are damaged or missing; fetch it anew: d2pruner rm {id} && d2pruner pull {id}"]);
    }
}
