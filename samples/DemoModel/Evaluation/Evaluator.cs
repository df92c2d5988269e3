using System.Diagnostics;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.DemoModel.Evaluation;

/// <summary>Asks a model about unseen scenes through the engine, greedily, one question a request.</summary>
internal static class Evaluator
{
    public static async Task<Scored> AskAsync(
        VisionLanguageEngine engine, byte[] png, Question question, PruningSettings? pruning, CancellationToken cancellationToken,
        PrefixReuse reuse = PrefixReuse.Exact) =>
        (await TimedAsync(engine, png, question, pruning, reuse, cancellationToken)).Answer;

    /// <summary>Asks, and measures the time to the first token.</summary>
    public static async Task<(Scored Answer, TimeSpan FirstToken)> TimedAsync(
        VisionLanguageEngine engine, byte[] png, Question question, PruningSettings? pruning, PrefixReuse reuse,
            CancellationToken cancellationToken)
    {
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(png), new TextPart(question.Text)])],
            Generation = new GenerationSettings { MaxNewTokens = 32, Temperature = 0 },
            Pruning = pruning,
            PrefixReuse = reuse,
        };
        var watch = Stopwatch.StartNew();
        TimeSpan first = default;
        await foreach (var e in engine.GenerateAsync(request, cancellationToken))
        {
            if (e is PrefillCompleted) first = watch.Elapsed;
            if (e is GenerationCompleted done) return (Scored.Of(question, done.Result.Text), first);
        }

        throw new InvalidOperationException("The engine ended without an answer.");
    }
}
