namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>Evaluation scenes with one question of each kind that they have, the same for every evaluation of a split and seed.</summary>
internal static class SceneCases
{
    /// <summary>Objects in an evaluation scene.</summary>
    public static readonly SceneOptions Scenes = new(3, 8);

    /// <summary>A scene's image and questions.</summary>
    public static (byte[] Png, IReadOnlyList<Question> Questions) Case(Split split, ulong seed, int index) =>
        (Image(split, seed, index), Questions(split, seed, index));

    /// <summary>A scene's image as PNG.</summary>
    public static byte[] Image(Split split, ulong seed, int index) =>
        SceneImage.Draw(Scene.Create(split, seed, (ulong)index, Scenes)).ToPng();

    /// <summary>A scene's questions.</summary>
    public static IReadOnlyList<Question> Questions(Split split, ulong seed, int index)
    {
        var writer = new QuestionWriter(new Rng((ulong)split, seed, (ulong)index, 3), Scene.Create(split, seed, (ulong)index, Scenes));
        return [.. Enum.GetValues<QuestionTask>().Where(t => t != QuestionTask.Describe).Select(writer.Ask).OfType<Question>()];
    }
}
