using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.Benchmarks;

/// <summary>Answers of one caller with and without huge pages for copied weights, turn by turn: layers of LLaVA-1.5-7B in bfloat16.</summary>
internal sealed class PagesBenchmark(Figures figures, string demoModel)
{
    private const int Tokens = 40;
    private const int Rounds = 3;

    public async Task RunAsync()
    {
        using var checkpoint = new RandomCheckpoint(demoModel, (4096, 11008, 8, 32, 2048), (256, 1024, 4, 4));
        Dictionary<bool, List<double>> speeds = new() { [false] = [], [true] = [] };
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var huge in new[] { false, true }) speeds[huge].Add(await SpeedAsync(checkpoint.Folder, huge));
        }

        figures.Add("decode_tokens_per_s@pages_of_4KiB", speeds[false]);
        figures.Add("decode_tokens_per_s@pages_of_2MiB", speeds[true]);
        figures.Add("huge_pages_gain", [.. speeds[true].Zip(speeds[false], (with, without) => with / without)]);
    }

    private static async Task<double> SpeedAsync(string folder, bool huge)
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = folder, Device = "cpu", WeightsInMemory = true, HugePages = huge });
        for (var warm = true; ; warm = false)
        {
            var request = new VisionRequest
            {
                Turns = [new ChatTurn("user", [new TextPart("What is this?")])],
                Generation = ServeBenchmark.Endless(Tokens),
            };
            GenerationResult? result = null;
            await foreach (var e in engine.GenerateAsync(request))
            {
                if (e is GenerationCompleted completed) result = completed.Result;
            }

            if (!warm) return result!.TokenIds.Count / result.DecodeTime.TotalSeconds;
        }
    }
}
