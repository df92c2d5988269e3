using System.CommandLine;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner pull</c>: fetches a model from the Hub into its cache.</summary>
internal static class PullCommand
{
    private static readonly Argument<string> Id =
        new("ID") { Description = "The model: owner/name or owner/name@revision ('d2pruner models' lists some)." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object at the end." };

    public static Command Create()
    {
        var command = new Command(
            "pull", "Fetches a model from the Hugging Face Hub into its local cache: only the files that are read, resumed where an " +
            "earlier run ended, hashes checked. "
            + "Honours HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_HUB_OFFLINE.") { Id, Json };
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse.GetValue(Id)!, parse.GetValue(Json), ct)));
        return command;
    }

    /// <summary>Fetches a model, and shows how far it is.</summary>
    internal static Task<HubSnapshot> FetchAsync(string id, CancellationToken cancellationToken)
    {
        // A model that cannot be loaded is refused after a few kilobytes, not after many gigabytes.
        var options = new HubOptions { Accept = folder => ModelFamilies.Read(folder) };
        return TransferDisplay.RunAsync(progress => ModelHub.PullAsync(id, options, progress, cancellationToken));
    }

    private static async Task Run(string id, bool json, CancellationToken cancellationToken)
    {
        var snapshot = await FetchAsync(id, cancellationToken);
        if (json)
        {
            Output.Json(new JsonObject
            {
                ["id"] = snapshot.Id.Repository,
                ["revision"] = snapshot.Id.Revision,
                ["commit"] = snapshot.Commit,
                ["folder"] = snapshot.Folder,
                ["bytes"] = snapshot.Bytes,
                ["bytes_fetched"] = snapshot.BytesFetched,
            });
            return;
        }

        Console.WriteLine(snapshot.BytesFetched == 0 ? $"{snapshot.Id} was there already: {Units.Bytes(snapshot.Bytes)}."
            : $"{snapshot.Id}: {Units.Bytes(snapshot.BytesFetched)} fetched.");
        Console.WriteLine($"Folder: {snapshot.Folder}");
        Console.WriteLine($"Next:   d2pruner inspect {snapshot.Id}");
        Console.WriteLine($"        d2pruner ask --model {snapshot.Id} --image PICTURE --prompt \"What is in the image?\"");
    }
}
