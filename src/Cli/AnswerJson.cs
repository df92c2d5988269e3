using System.Text.Json.Nodes;
using D2Pruner.AI.Server;

namespace D2Pruner.AI.Cli;

/// <summary>The stable shape of <c>ask --json</c> (docs/cli.md).</summary>
internal static class AnswerJson
{
    /// <param name="answers">The answer.</param>
    /// <param name="plain">The answer without pruning, for <c>--compare</c>: becomes the object <c>unpruned</c>.</param>
    public static string Of(Answers answers, Answers? plain = null)
    {
        var json = Object(answers);
        if (plain is not null) json["unpruned"] = Object(plain);
        return Output.Text(json);
    }

    private static JsonObject Object(Answers answers)
    {
        var (response, r, times) = (answers.Response, answers.Report, answers.Times);
        return new JsonObject
        {
            ["text"] = response.Text,
            ["finish_reason"] = response.FinishReason?.Value,
            ["model"] = response.ModelId,
            ["usage"] = new JsonObject { ["input_tokens"] = response.Usage?.InputTokenCount,
                ["output_tokens"] = response.Usage?.OutputTokenCount },
            ["pruning"] = PruningJson.Of(r),
            ["kv_bytes"] = r.KvBytes,
            ["kv_bytes_unpruned"] = r.KvBytesUnpruned,
            ["runs"] = answers.Runs,
            ["times_ms"] = new JsonObject
            {
                ["preprocess"] = Math.Round(times.Preprocess, 3),
                ["vision"] = Math.Round(times.Vision, 3),
                ["prefill"] = Math.Round(times.Prefill, 3),
                ["prune"] = Math.Round(times.Prune, 3),
                ["decode"] = Math.Round(times.Decode, 3),
            },
            ["tokens_per_second"] = answers.TokensPerSecond is { } s ? Math.Round(s, 3) : null,
            ["groundings"] = new JsonArray([.. response.GetGroundings().Select(g => new JsonObject
            {
                ["label"] = g.Label,
                ["box"] = new JsonArray(g.Box.Left, g.Box.Top, g.Box.Right, g.Box.Bottom),
                ["image"] = g.ImageIndex,
            })]),
        };
    }
}
