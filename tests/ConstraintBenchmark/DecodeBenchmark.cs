using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Generation.Constraints;

namespace D2Pruner.AI.ConstraintBenchmark;

/// <summary>Decoding with and without a constraint, through the engine; the same number of tokens each.</summary>
internal static class DecodeBenchmark
{
    public static async Task RunAsync(string folder, int tokens)
    {
        await using var engine = await VisionLanguageEngine.LoadAsync(new VisionModelOptions { ModelPath = folder, Device = "cpu" });
        // Unbounded text inside, so that the length is what is asked for.
        Grammar?[] grammars = [null, Shapes.Schema($"{{\"type\":\"string\",\"minLength\":{tokens * 40}}}"), .. Shapes.All().Select(s => s.Grammar)];
        string[] names = ["without", "long string", .. Shapes.All().Select(s => s.Name)];
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < grammars.Length; i++)
            {
                var result = await AnswerAsync(engine, grammars[i], tokens);
                Console.WriteLine($"round {round}: {names[i],-16} {result.TokenIds.Count,4} tokens, {result.DecodeTime.TotalMilliseconds / result.TokenIds.Count:F3} ms a token");
            }
        }
    }

    private static async Task<GenerationResult> AnswerAsync(VisionLanguageEngine engine, Grammar? grammar, int tokens)
    {
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new TextPart("Say something.")])],
            Generation = new GenerationSettings { MaxNewTokens = tokens, Temperature = 1, Seed = 7, Grammar = grammar },
        };
        await foreach (var e in engine.GenerateAsync(request))
        {
            if (e is GenerationCompleted completed) return completed.Result;
        }

        throw new InvalidOperationException("The engine ended without an answer.");
    }
}
