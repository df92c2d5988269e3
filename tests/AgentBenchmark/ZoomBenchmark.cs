using System.Globalization;
using System.Diagnostics;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.AgentBenchmark;

/// <summary>
/// A small object in a scene, asked about in three ways: once with pruning, once without, and by locating it in the pruned image and
/// asking about a crop of it without pruning.
/// </summary>
internal static class ZoomBenchmark
{
    private const int ModelSide = 336;
    private static readonly string[] Ways = ["one question, pruned", "one question, not pruned", "locate, crop, ask"];

    public static async Task RunAsync(string model, int scenes, ulong seed, IEnumerable<int> sides, CancellationToken cancellationToken)
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = model },
            cancellationToken: cancellationToken);
        using var client = new D2PrunerChatClient(engine, new D2PrunerChatClientOptions { DefaultMaxOutputTokens = 32 });
        Console.WriteLine("| scene | way | right | 95% | against the first | 95% | p50 ms | visual tokens after the prune point |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var side in sides)
        {
            var right = Ways.Select(_ => new List<bool>()).ToArray();
            var times = Ways.Select(_ => new List<double>()).ToArray();
            var kept = Ways.Select(_ => new List<double>()).ToArray();
            var found = 0;
            for (var i = 0; i < scenes; i++)
            {
                var scene = WideScene.Create(side, seed, (ulong)i);
                for (var way = 0; way < Ways.Length; way++)
                {
                    var start = Stopwatch.GetTimestamp();
                    var tokens = 0;
                    var image = scene.Png;
                    if (way == 2)
                    {
                        var where = await AskAsync(image,
                            $"Please provide the bounding box coordinate of the region this sentence describes: {scene.Thing}",
                            new ChatOptions().WithPruning(PruningPreset.Localization));
                        tokens += where.Tokens;
                        if (where.Boxes is [var region, ..])
                        {
                            found++;
                            // A scene that the model sees whole is enlarged twice, a larger one as far as its own pixels go.
                            image = ImageCrop.Around(image, region.Box, 2, side == ModelSide ? ModelSide / 2 : ModelSide);
                        }
                    }

                    var answer = await AskAsync(image, scene.Question, way == 0 ? new ChatOptions()
                        .WithPruning(PruningPreset.Understanding) : new ChatOptions().WithoutPruning());
                    times[way].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    kept[way].Add(tokens + answer.Tokens);
                    right[way].Add(string.Equals(answer.Text.Trim().TrimEnd('.'), scene.Answer, StringComparison.OrdinalIgnoreCase));
                }
            }

            for (var way = 0; way < Ways.Length; way++)
            {
                var n = right[way].Count(r => r);
                var interval = Statistics.Wilson(n, scenes);
                var more = Statistics.PairedDifference(right[way], right[0]);
                var against = way == 0 ? "- | -"
                    : string.Create(CultureInfo.InvariantCulture,
                        $"{100 * more.Mean:+0.0;-0.0;0.0} points | {100 * more.Low:0.0} to {100 * more.High:0.0}");
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {side}x{side} | {Ways[way]} | {100.0 * n / scenes:0.0}% of {scenes} | " +
                        $"{100 * interval.Low:0}-{100 * interval.High:0} | {against} | {Statistics.Quantile(times[way], 0.5):0} | " +
                        $"{kept[way].Average():0} |"));
            }

            Console.Error.WriteLine($"{side}: a box was found in {found} of {scenes}");
        }

        async Task<(string Text, int Tokens, IReadOnlyList<GroundedRegion> Boxes)> AskAsync(byte[] image, string question,
            ChatOptions options)
        {
            options.Temperature = 0;
            var response = await client.GetResponseAsync([new ChatMessage(ChatRole.User,
                [new DataContent(image, "image/png"), new TextContent(question)])], options, cancellationToken);
            return (response.Text, response.GetPruningReport()!.VisualTokensKept, response.GetGroundings());
        }
    }
}
