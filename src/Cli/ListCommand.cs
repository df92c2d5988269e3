using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner list</c>: the models in the local cache.</summary>
internal static class ListCommand
{
    private static readonly Option<bool> Json = new("--json") { Description = "Print a JSON array." };

    public static Command Create()
    {
        var command = new Command("list", "Lists the models in the local Hugging Face cache.") { Json };
        command.SetAction((parse, _) => Failure.Guard(() =>
        {
            Run(parse.GetValue(Json));
            return Task.CompletedTask;
        }));
        return command;
    }

    private static void Run(bool json)
    {
        var options = new HubOptions();
        var models = ModelHub.List(options);
        if (json)
        {
            Output.Json(new JsonArray([.. models.Select(m => new JsonObject
            {
                ["id"] = m.Repository,
                ["commit"] = m.Commit,
                ["references"] = new JsonArray([.. m.References.Select(r => JsonValue.Create(r))]),
                ["folder"] = m.Folder,
                ["bytes"] = m.Bytes,
                ["complete"] = m.Complete,
                ["last_used"] = m.LastUsed.ToString("O", CultureInfo.InvariantCulture),
            })]));
            return;
        }

        Console.WriteLine($"Cache: {Path.GetFullPath(options.CacheFolder)}");
        if (models.Count == 0)
        {
            Console.WriteLine("It holds no models. 'd2pruner models' lists some; 'd2pruner pull ID' fetches one.");
            return;
        }

        var table = Output.Table("model", "revision", "size", "state", "last used");
        foreach (var m in models)
        {
            var state = m.Complete ? "complete" : "incomplete, or no model with safetensors";
            table.AddEscaped(m.Repository,
                $"{string.Join(", ", m.References.DefaultIfEmpty("-"))} ({m.Commit[..Math.Min(8, m.Commit.Length)]})", Units.Short(m.Bytes),
                state, m.LastUsed.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        }

        Output.Write(table);
    }
}
