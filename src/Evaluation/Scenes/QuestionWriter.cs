
namespace D2Pruner.AI.Evaluation.Scenes;

/// <summary>Asks questions about a scene. Phrases that must name one object do so; distractors share
/// attributes because scenes do.</summary>
internal sealed class QuestionWriter(Rng rng, Scene scene, IReadOnlyList<int>? askable = null)
{
    // The share of a scene's side by which relations must hold, so that none is a matter of opinion.
    private const double Gap = 0.06 * Scene.Side;

    private static readonly string[] Unanswerable =
    [
        "Who painted this?", "What is the person doing?", "What animal is in the image?", "Is it raining?",
            "What is the name of the city?", "How old is the car?",
        "What is the weather like?", "What does it smell like?", "When was this photo taken?", "Who is the owner of this house?",
        "What language is this?",
        "How much does it weigh?", "What time is it?", "Why is the woman sad?", "What is the man wearing?", "What food is on the table?",
        "Is the dog happy?",
        "What is the price of this?", "Which country is this?", "What brand is the camera?", "Who is the president?",
        "What is the capital of France?",
        "Write a poem about this.", "Can you hear a sound?", "How many people are there?", "Is there a cat?", "Where is the dog?",
        "What colour is the car?", "Is there a tree behind the house?",
        "What is for dinner?", "How do you feel today?", "Tell me a story.", "What is the meaning of life?", "Does the man like the cat?",
        "What colour is the woman's hair?",
        "Where is the tree?", "How many cars are there?", "Is there a person?", "What year is it?", "Which team won the game?",
        "What is behind the camera?", "Describe this image.", "What are the differences between these two images?",
    ];

    /// <summary>The answer to what cannot be seen.</summary>
    public const string CannotTell = "I can't tell";

    private readonly IReadOnlyList<int> _askable = askable ?? [.. Enumerable.Range(0, scene.Objects.Count)];

    /// <summary>A question of a kind, or null if this scene has none.</summary>
    public Question? Ask(QuestionTask task)
    {
        // Drawn once: if a failed attempt drew again, the easier answer would come more often.
        var yes = rng.Chance(0.5);
        for (var attempt = 0; attempt < 24; attempt++)
        {
            var question = task switch
            {
                QuestionTask.Existence => Existence(yes),
                QuestionTask.Count => Count(),
                QuestionTask.Colour => Colour(),
                QuestionTask.Shape => Shape(),
                QuestionTask.Describe => Describe(),
                QuestionTask.Box => BoxOf(),
                QuestionTask.Relation => Relation(),
                QuestionTask.BoxRelation => BoxRelation(),
                QuestionTask.Reading => Reading(),
                QuestionTask.BoxJson => BoxAsJson(),
                QuestionTask.Unknown => new Question(task, rng.Pick(Unanswerable), CannotTell, []),
                _ => throw new ArgumentOutOfRangeException(nameof(task)),
            };
            if (question is not null) return question;
        }

        return null;
    }

    private SceneObject Any() => scene.Objects[rng.Pick(_askable)];

    private Phrase Part(SceneObject o)
    {
        var kind = rng.Int(6);
        return new Phrase(
            kind is 2 or 4 or 5 && rng.Chance(0.8) ? o.Big : null,
            kind is 0 or 1 or 3 or 5 ? o.Colour : null,
            kind is 1 or 2 or 3 or 4 || kind == 5 && rng.Chance(0.5) ? o.Shape : null);
    }

    private Question? Existence(bool wantYes)
    {
        if (_askable.Count == 0) return null;
        Phrase phrase;
        if (wantYes)
        {
            phrase = Part(Any());
        }
        else
        {
            var kind = rng.Double();
            var (a, b) = (Any(), Any());
            if (kind < 0.36) phrase = new Phrase(null, a.Colour, b.Shape); // both present, not together
            else if (kind < 0.46) phrase = new Phrase(!a.Big, rng.Chance(0.5) ? a.Colour : null, a.Shape);
            else if (kind < 0.70)
                phrase = rng.Chance(0.5) ? new Phrase(null, a.Colour, (ShapeKind)rng.Int(8))
                    : new Phrase(null, (ColourKind)rng.Int(8), a.Shape);
            else phrase = rng.Chance(0.5) ? new Phrase(null, (ColourKind)rng.Int(8), null) : new Phrase(null, null, (ShapeKind)rng.Int(8));
        }

        if (phrase is { Colour: null, Shape: null }) return null;
        var found = phrase.Find(scene);
        if (found.Length > 0 != wantYes) return null;
        var text = rng.Int(4) switch
        {
            0 => $"Do you see {phrase.Indefinite()}?",
            _ => $"Is there {phrase.Indefinite()}?",
        };
        return new Question(QuestionTask.Existence, text, wantYes ? "Yes" : "No", found);
    }

    private Question? Count()
    {
        var target = rng.Int(7);
        var phrase = rng.Chance(0.12) ? new Phrase(rng.Chance(0.5) ? rng.Chance(0.5) : null, null, null)
            : _askable.Count > 0 && rng.Chance(0.75) ? Part(Any())
            : new Phrase(null, rng.Chance(0.6) ? (ColourKind)rng.Int(8) : null, rng.Chance(0.6) ? (ShapeKind)rng.Int(8) : null);
        var found = phrase.Find(scene);
        return found.Length == target
            ? new Question(QuestionTask.Count, $"How many {phrase.Words(plural: true)} are there?", $"{target}", found) : null;
    }

    private Question? Colour()
    {
        if (_askable.Count == 0) return null;
        var o = Any();
        var phrase = new Phrase(rng.Chance(0.4) ? o.Big : null, null, rng.Chance(0.9) ? o.Shape : null);
        var found = phrase.Find(scene);
        if (found.Length != 1 || phrase is { Big: null, Shape: null }) return null;
        var text = $"What {(rng.Chance(0.5) ? "colour" : "color")} is the {phrase.Words()}?";
        return new Question(QuestionTask.Colour, text, o.Colour.ToString().ToLowerInvariant(), found);
    }

    private Question? Shape()
    {
        if (_askable.Count == 0) return null;
        var o = Any();
        var phrase = new Phrase(rng.Chance(0.4) ? o.Big : null, rng.Chance(0.9) ? o.Colour : null, null);
        var found = phrase.Find(scene);
        if (found.Length != 1 || phrase is { Big: null, Colour: null }) return null;
        return new Question(QuestionTask.Shape, $"What shape is the {phrase.Words()}?", o.Shape.ToString().ToLowerInvariant(), found);
    }

    private Question? Describe()
    {
        var (phrase, i) = Unique();
        if (i < 0) return null;
        var o = scene.Objects[i];
        var text = rng.Chance(0.5) ? $"What is the {phrase.Words()}?" : $"Describe the {phrase.Words()}.";
        return new Question(QuestionTask.Describe, text, $"{Phrase.Full(o).Indefinite()} at {Question.Format(o.Box)}", [i]);
    }

    private Question? BoxOf()
    {
        var (phrase, i) = Unique();
        if (i < 0) return null;
        return new Question(QuestionTask.Box, BoxText($"the {phrase.Words()}"), Question.Format(scene.Objects[i].Box),
            [i]) { Box = scene.Objects[i].Box };
    }

    // For typed answers: an object with a list of objects with a box each, as record Boxes(Found[] Items) and
    // record Found(double[] Box) are written.
    private Question? BoxAsJson()
    {
        var (phrase, i) = Unique();
        if (i < 0) return null;
        var box = scene.Objects[i].Box;
        return new Question(QuestionTask.BoxJson, $"Where is the {phrase.Words()}? Answer as JSON.",
            $"{{\"items\": [{{\"box\": {Question.Format(box)}}}]}}", [i]) { Box = box };
    }

    private string BoxText(string what) => rng.Int(5) switch
    {
        0 => $"Locate {what}.",
        1 => $"Give the bounding box of {what}.",
        2 => $"Please provide the bounding box coordinate of the region this sentence describes: {what}",
        _ => $"Where is {what}?",
    };

    private (Phrase Phrase, int Index) Unique()
    {
        if (_askable.Count == 0) return (default, -1);
        var i = rng.Pick(_askable);
        var phrase = Part(scene.Objects[i]);
        return phrase is { Colour: null, Shape: null } || phrase.Find(scene).Length != 1 ? (default, -1) : (phrase, i);
    }

    private Question? Relation()
    {
        var ((a, i), (b, j)) = (Unique(), Unique());
        if (i < 0 || j < 0 || i == j) return null;
        var horizontal = rng.Chance(0.5);
        var (p, q) = (scene.Objects[i].Box, scene.Objects[j].Box);
        var delta = horizontal ? q.CentreX - p.CentreX : q.CentreY - p.CentreY;
        if (Math.Abs(delta) < Gap) return null;
        var (first, second) = horizontal ? ("left", "right") : ("above", "below");
        var truth = delta > 0 ? first : second;
        if (rng.Chance(0.5))
        {
            var of = horizontal ? "of " : "";
            return new Question(QuestionTask.Relation, $"Is the {a.Words()} {first} or {second} {of}the {b.Words()}?", truth,
                [i]) { Reference = j };
        }

        var asked = rng.Chance(0.5) ? first : second;
        return new Question(QuestionTask.Relation, $"Is the {a.Words()} {asked} {(horizontal ? "of " : "")}the {b.Words()}?", asked == truth
            ? "Yes" : "No", [i]) { Reference = j };
    }

    private Question? BoxRelation()
    {
        var phrase = _askable.Count == 0 ? default : Part(Any());
        if (phrase is { Colour: null, Shape: null }) return null;
        var found = phrase.Find(scene);
        if (found.Length is < 2 or > 4) return null;
        if (rng.Chance(0.5))
        {
            var direction = rng.Int(4);
            double Key(int i) => scene.Objects[i].Box is var b
                ? direction switch { 0 => b.CentreX, 1 => -b.CentreX, 2 => b.CentreY, _ => -b.CentreY } : 0;
            int[] order = [.. found.OrderBy(Key)];
            if (Key(order[1]) - Key(order[0]) < Gap) return null;
            var word = direction switch { 0 => "leftmost", 1 => "rightmost", 2 => "topmost", _ => "bottommost" };
            return new Question(QuestionTask.BoxRelation, BoxText($"the {word} {phrase.Words()}"),
                Question.Format(scene.Objects[order[0]].Box), [order[0]]) { Box = scene.Objects[order[0]].Box };
        }

        var (other, j) = Unique();
        if (j < 0 || found.Contains(j)) return null;
        var side = rng.Int(4);
        var anchor = scene.Objects[j].Box;
        double Side(int i) => scene.Objects[i].Box is var b ? side switch
        {
            0 => anchor.CentreX - b.CentreX,
            1 => b.CentreX - anchor.CentreX,
            2 => anchor.CentreY - b.CentreY,
            _ => b.CentreY - anchor.CentreY,
        } : 0;
        int[] there = [.. found.Where(i => Side(i) > -Gap / 2)];
        if (there.Length != 1 || Side(there[0]) < Gap) return null;
        var relation = side switch { 0 => "left of", 1 => "right of", 2 => "above", _ => "below" };
        var box = scene.Objects[there[0]].Box;
        return new Question(QuestionTask.BoxRelation, BoxText($"the {phrase.Words()} {relation} the {other.Words()}"), Question.Format(box),
            [there[0]]) { Reference = j, Box = box };
    }

    private Question? Reading()
    {
        if (scene.Plates.Count != 1) return null;
        var text = rng.Int(3) switch { 0 => "What number is printed?", 1 => "Read the number.", _ => "What number is shown?" };
        return new Question(QuestionTask.Reading, text, scene.Plates[0].Digits, []) { Plate = 0 };
    }
}
