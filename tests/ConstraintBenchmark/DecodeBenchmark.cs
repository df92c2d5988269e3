using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;

namespace D2Pruner.AI.ConstraintBenchmark;

/// <summary>Decoding with and without a constraint, through the engine; the same number of tokens each.</summary>
internal static class DecodeBenchmark
{
    public static async Task RunAsync(string folder, int tokens)
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = folder, Device = "cpu", Threads = 1 });
        // Unbounded text inside, so that the length is what is asked for.
        Grammar?[] grammars = [null, Shapes.Schema($"{{\"type\":\"string\",\"minLength\":{tokens * 40}}}"),
            .. Shapes.All().Select(s => s.Grammar)];
        string[] names = ["without", "long string", .. Shapes.All().Select(s => s.Name)];
        foreach (var greedy in new[] { true, false })
        {
            // Turn by turn, so that another load on the machine meets all of them; the first turn warms up.
            var times = grammars.Select(_ => new List<double>()).ToArray();
            var counts = new int[grammars.Length];
            for (var round = 0; round < 8; round++)
            {
                for (var i = 0; i < grammars.Length; i++)
                {
                    var result = await AnswerAsync(engine, grammars[i], tokens, greedy);
                    counts[i] = result.TokenIds.Count;
                    if (round > 0) times[i].Add(result.DecodeTime.TotalMilliseconds / result.TokenIds.Count);
                }
            }

            for (var i = 0; i < grammars.Length; i++)
                Console.WriteLine($"{(greedy ? "greedy" : "sampled"),-8} {names[i],-16} {counts[i],4} tokens: best " +
                    $"{times[i].Min():F3} ms a token, median {times[i].Order().ElementAt(times[i].Count / 2):F3}");
        }
    }

    private static async Task<GenerationResult> AnswerAsync(VisionLanguageEngine engine, Grammar? grammar, int tokens, bool greedy)
    {
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new TextPart("Say something.")])],
            Generation = new GenerationSettings { MaxNewTokens = tokens, Temperature = greedy ? 0 : 1, Seed = 7, Grammar = grammar },
        };
        await foreach (var e in engine.GenerateAsync(request))
        {
            if (e is GenerationCompleted completed) return completed.Result;
        }

        throw new InvalidOperationException("The engine ended without an answer.");
    }
}
