using System.CommandLine;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner models</c>: checkpoints that this code loads, small ones first.</summary>
internal static class ModelsCommand
{
    private static readonly Option<bool> Json = new("--json") { Description = "Print a JSON array." };

    public static Command Create()
    {
        var command = new Command(
            "models", "Lists models that this tool loads, small ones first: licence, size, what each is good at, how it was verified. " +
            "Asks no server.") { Json };
        command.SetAction((parse, _) => Failure.Guard(() =>
        {
            Run(parse.GetValue(Json));
            return Task.CompletedTask;
        }));
        return command;
    }

    private static void Run(bool json)
    {
        if (json)
        {
            Output.Json(new JsonArray([.. KnownModels.All.Select(m => new JsonObject
            {
                ["id"] = m.Id,
                ["family"] = m.Family,
                ["licence"] = m.Licence,
                ["parameters"] = m.Parameters,
                ["bytes"] = m.WeightBytes,
                ["kv_bytes_per_token"] = m.KvBytesPerToken,
                ["image_tokens"] = m.ImageTokens,
                ["good_at"] = m.GoodAt,
                ["verified"] = m.Verified,
                ["cached"] = ModelHub.Find(m.Id) is not null,
            })]));
            return;
        }

        var table = Output.Table("model", "licence", "parameters", "16-bit weights", "tokens of 640x480", "good at", "here");
        foreach (var m in KnownModels.All)
            table.AddEscaped(m.Id, m.Licence, Output.Invariant($"{m.Parameters / 1e9:F2} B"), Units.Short(m.WeightBytes),
                $"{m.ImageTokens}", m.GoodAt, ModelHub.Find(m.Id) is null ? "" : "yes");
        Output.Write(table);
        Console.WriteLine($"Verified: {KnownModels.VerifiedByPlan}. Licences are the publishers'; read them on the model's page.");
        Console.WriteLine("Fetch one: d2pruner pull ID. What fits this machine: d2pruner doctor. Other checkpoints of these families " +
            "load too.");
    }
}
