using D2Pruner.AI.DemoModel.Questions;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.DemoModel.Evaluation;

/// <summary>Asks a model about unseen scenes through the engine, greedily, one question a request.</summary>
internal static class Evaluator
{
    /// <summary>Objects in an evaluation scene, the same for every evaluation.</summary>
    public static readonly SceneOptions Scenes = new(3, 8);

    /// <summary>A scene with its picture and one question of each kind that it has.</summary>
    public static (byte[] Png, IReadOnlyList<Question> Questions) Case(Split split, ulong seed, int index)
    {
        var scene = Scene.Create(split, seed, (ulong)index, Scenes);
        var writer = new QuestionWriter(new Rng((ulong)split, seed, (ulong)index, 3), scene);
        return (SceneImage.Draw(scene).ToPng(), [.. Enum.GetValues<QuestionTask>().Where(t => t != QuestionTask.Describe).Select(writer.Ask).OfType<Question>()]);
    }

    public static async Task<Scored> AskAsync(VisionLanguageEngine engine, byte[] png, Question question, PruningSettings? pruning, CancellationToken cancellationToken)
    {
        var request = new VisionRequest
        {
            Turns = [new ChatTurn("user", [new ImagePart(png), new TextPart(question.Text)])],
            Generation = new GenerationSettings { MaxNewTokens = 32, Temperature = 0 },
            Pruning = pruning,
        };
        await foreach (var e in engine.GenerateAsync(request, cancellationToken))
        {
            if (e is GenerationCompleted done) return Scored.Of(question, done.Result.Text);
        }

        throw new InvalidOperationException("The engine ended without an answer.");
    }
}
