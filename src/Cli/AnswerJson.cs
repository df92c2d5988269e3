using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Server;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary>The stable shape of <c>ask --json</c> (docs/cli.md).</summary>
internal static class AnswerJson
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="response">The answer.</param>
    /// <param name="report">Its report.</param>
    /// <param name="plain">The answer without pruning, for <c>--compare</c>: becomes the object <c>unpruned</c>.</param>
    public static string Of(ChatResponse response, PruningReport report, ChatResponse? plain = null)
    {
        var json = Object(response, report);
        if (plain is not null) json["unpruned"] = Object(plain, plain.GetPruningReport()!);
        return json.ToJsonString(Options);
    }

    private static JsonObject Object(ChatResponse response, PruningReport r) => new()
    {
        ["text"] = response.Text,
        ["finish_reason"] = response.FinishReason?.Value,
        ["model"] = response.ModelId,
        ["usage"] = new JsonObject { ["input_tokens"] = response.Usage?.InputTokenCount, ["output_tokens"] = response.Usage?.OutputTokenCount },
        ["pruning"] = PruningJson.Of(r),
        ["kv_bytes"] = r.KvBytes,
        ["kv_bytes_unpruned"] = r.KvBytesUnpruned,
        ["times_ms"] = new JsonObject
        {
            ["preprocess"] = Math.Round(r.Times.PreprocessMs, 3),
            ["vision"] = Math.Round(r.Times.VisionMs, 3),
            ["prefill"] = Math.Round(r.Times.PrefillMs, 3),
            ["prune"] = Math.Round(r.Times.PruneMs, 3),
            ["decode"] = Math.Round(r.Times.DecodeMs, 3),
        },
        ["tokens_per_second"] = AnswerTable.TokensPerSecond(response, r) is { } s ? Math.Round(s, 3) : null,
        ["groundings"] = new JsonArray([.. response.GetGroundings().Select(g => new JsonObject
        {
            ["label"] = g.Label,
            ["box"] = new JsonArray(g.Box.Left, g.Box.Top, g.Box.Right, g.Box.Bottom),
            ["image"] = g.ImageIndex,
        })]),
    };
}
