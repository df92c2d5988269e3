using System.Text.Json;
using System.Text.Json.Serialization;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>One stage of the run.</summary>
internal sealed record StagePlan
{
    public required string Name { get; init; }

    /// <summary>Dense labels (the tower learns) or questions (projector and decoder learn, the tower is frozen).</summary>
    public required bool Dense { get; init; }

    /// <summary>Patches per side of the windows; 24 is the whole scene.</summary>
    public required int Grid { get; init; }

    /// <summary>Pictures per worker and step.</summary>
    public required int Batch { get; init; }

    public required int Steps { get; init; }

    /// <summary>Peak learning rate, after <see cref="WarmUp"/> steps.</summary>
    public required double Rate { get; init; }

    /// <summary>The rate falls along a cosine to this share of the peak; 1 keeps it.</summary>
    public double End { get; init; } = 1;

    public int WarmUp { get; init; } = 60;

    public required int MinObjects { get; init; }

    public required int MaxObjects { get; init; }

    public double PlateChance { get; init; } = 0.4;

    public int MaxPlates { get; init; } = 1;

    /// <summary>Weight of the absolute box sides in the dense loss: small while shapes are learnt (it would drown them), large at the
    /// end, or boxes cannot be told.</summary>
    public double AbsoluteWeight { get; init; } = 0.015;

    /// <summary>Questions per picture.</summary>
    public int Questions { get; init; }

    /// <summary>Share of the questions that follow another one about the same picture, as in a conversation.</summary>
    public double FollowUps { get; init; }

    /// <summary>Hidden states are taught where things are (<see cref="PlaceCode"/>); for whole scenes, because in
    /// windows the tower does not know.</summary>
    public bool Places { get; init; }

    /// <summary>Relative frequency of each kind of question.</summary>
    public Dictionary<QuestionTask, double> Mix { get; init; } = [];

    /// <summary>Head 2 of layer 7 is taught to count too, as head 1 of layer 3 is: later layers know better what is asked.</summary>
    public bool SecondCount { get; init; }

    /// <summary>What answers of a kind weigh, where it is not 1: a count is one number of a hundred answer tokens.</summary>
    public Dictionary<QuestionTask, double> Weights { get; init; } = [];

    public double RateAt(long step)
    {
        if (step < WarmUp) return Rate * (step + 1) / WarmUp;
        var t = Math.Min(1, (step - WarmUp) / (double)Math.Max(1, Steps - WarmUp));
        return Rate * (End + (1 - End) * 0.5 * (1 + Math.Cos(Math.PI * t)));
    }
}

/// <summary>The whole run.</summary>
internal sealed record TrainingPlan
{
    public required ulong Seed { get; init; }

    public required IReadOnlyList<StagePlan> Stages { get; init; }

    // Windows tell nothing about places (the tower is not sure where a window lies), and coordinates would be four
    // fifths of the loss: attributes come first.
    private static Dictionary<QuestionTask, double> Attributes => new()
    {
        [QuestionTask.Colour] = 5, [QuestionTask.Shape] = 4, [QuestionTask.Existence] = 3, [QuestionTask.Count] = 2,
            [QuestionTask.Unknown] = 0.2,
    };

    private static Dictionary<QuestionTask, double> All => new()
    {
        [QuestionTask.Colour] = 1.5, [QuestionTask.Shape] = 2.5, [QuestionTask.Describe] = 2.5, [QuestionTask.Box] = 5,
            [QuestionTask.BoxJson] = 0.5, [QuestionTask.Existence] = 2.5,
        [QuestionTask.Count] = 3, [QuestionTask.Relation] = 1.5, [QuestionTask.BoxRelation] = 1, [QuestionTask.Reading] = 0.7,
        [QuestionTask.Unknown] = 0.3,
    };

    // What was furthest from its aim when boxes had arrived.
    private static Dictionary<QuestionTask, double> Hard => new()
    {
        [QuestionTask.Colour] = 1, [QuestionTask.Shape] = 1.5, [QuestionTask.Describe] = 1, [QuestionTask.Box] = 4,
            [QuestionTask.BoxJson] = 0.5, [QuestionTask.Existence] = 2,
        [QuestionTask.Count] = 6, [QuestionTask.Relation] = 3, [QuestionTask.BoxRelation] = 2.5, [QuestionTask.Reading] = 0.5,
        [QuestionTask.Unknown] = 0.3,
    };

    private static StagePlan Full => new()
    {
        Name = "full", Dense = false, Grid = 24, Batch = 3, Steps = 700, Rate = 9e-4, MinObjects = 3, MaxObjects = 9, Questions = 22,
            FollowUps = 0.1, Places = true, Mix = All,
    };

    private static Dictionary<QuestionTask, double> Emphasis =>
        new() { [QuestionTask.Count] = 4, [QuestionTask.Relation] = 2, [QuestionTask.Reading] = 2 };

    /// <summary>The plan of the shipped model.</summary>
    public static TrainingPlan Default => new()
    {
        Seed = 1,
        Stages =
        [
            new StagePlan { Name = "tower", Dense = true, Grid = 12, Batch = 8, Steps = 5800, Rate = 1.5e-3, End = 0.05, MinObjects = 10,
                MaxObjects = 20, PlateChance = 0.7, MaxPlates = 3 },
            new StagePlan { Name = "tower-full", Dense = true, Grid = 24, Batch = 3, Steps = 900, Rate = 5e-4, End = 0.05,
                AbsoluteWeight = 0.3, MinObjects = 3, MaxObjects = 14, PlateChance = 0.6, MaxPlates = 2 },
            new StagePlan { Name = "attributes", Dense = false, Grid = 12, Batch = 4, Steps = 400, Rate = 1.2e-3, MinObjects = 2,
                MaxObjects = 5, Questions = 16, Mix = Attributes },
            Full,
            Full with { Name = "weighted", Steps = 475, WarmUp = 20, Weights = Emphasis },
            Full with { Name = "anneal", Steps = 900, WarmUp = 1, End = 0.03, Weights = Emphasis, SecondCount = true, Mix = Hard },
        ],
    };

    public static JsonSerializerOptions Json { get; } = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    public static TrainingPlan Read(string path) =>
        JsonSerializer.Deserialize<TrainingPlan>(File.ReadAllText(path), Json) ?? throw new InvalidDataException($"{path} holds no plan.");

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json));
}
