
namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>Kinds of question; the names are the keys of reports.</summary>
internal enum QuestionTask
{
    Existence,
    Count,
    Colour,
    Shape,
    Describe,
    Box,
    Relation,
    BoxRelation,
    Reading,
    Unknown,
    BoxJson,
}

/// <summary>A question about a scene with its answer.</summary>
/// <param name="Task">Its kind.</param>
/// <param name="Text">The user's words.</param>
/// <param name="Answer">The model's words.</param>
/// <param name="Referents">Objects that the question is about (for supervised attention and recall measures); empty if none.</param>
internal sealed record Question(QuestionTask Task, string Text, string Answer, IReadOnlyList<int> Referents)
{
    /// <summary>The second object of a relation.</summary>
    public int? Reference { get; init; }

    /// <summary>The box asked for.</summary>
    public Box? Box { get; init; }

    /// <summary>Plate that a reading question is about.</summary>
    public int? Plate { get; init; }

    /// <summary>A box as LLaVA writes it.</summary>
    public static string Format(Box box) => $"[{Unit(box.Left)}, {Unit(box.Top)}, {Unit(box.Right)}, {Unit(box.Bottom)}]";

    private static string Unit(int pixels) => Number(Hundredths(pixels));

    /// <summary>0.00 to 1.00.</summary>
    public static string Number(int hundredths) => $"{hundredths / 100}.{hundredths % 100:00}";

    public static int Hundredths(int pixels) => Math.Clamp((int)Math.Round(pixels * 100.0 / Scene.Side), 0, 100);
}

/// <summary>A noun phrase: any of size, colour and shape.</summary>
internal readonly record struct Phrase(bool? Big, ColourKind? Colour, ShapeKind? Shape)
{
    public bool Matches(SceneObject o) => (Big ?? o.Big) == o.Big && (Colour ?? o.Colour) == o.Colour && (Shape ?? o.Shape) == o.Shape;

    public int[] Find(Scene scene)
    {
        var phrase = this;
        return [.. Enumerable.Range(0, scene.Objects.Count).Where(i => phrase.Matches(scene.Objects[i]))];
    }

    /// <summary>"small red star", "blue things".</summary>
    public string Words(bool plural = false)
    {
        var noun = Shape is { } s ? s.ToString().ToLowerInvariant() : "thing";
        if (plural) noun += noun.EndsWith('s') ? "es" : "s";
        return (Big is { } b ? b ? "big " : "small " : "") + (Colour is { } c ? c.ToString().ToLowerInvariant() + " " : "") + noun;
    }

    /// <summary>"an orange ring".</summary>
    public string Indefinite() => Words() is var w && w.StartsWith('o') ? "an " + w : "a " + w;

    public static Phrase Full(SceneObject o) => new(o.Big, o.Colour, o.Shape);
}
