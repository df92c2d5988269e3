using System.Text.Json;
using System.Text.Json.Serialization;
using D2Pruner.AI.DemoModel.Questions;

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

    /// <summary>Weight of the absolute box sides in the dense loss: small while shapes are learnt (it would drown them), large at the end, or boxes cannot be told.</summary>
    public double AbsoluteWeight { get; init; } = 0.015;

    /// <summary>Questions per picture.</summary>
    public int Questions { get; init; }

    /// <summary>Relative frequency of each kind of question.</summary>
    public Dictionary<QuestionTask, double> Mix { get; init; } = [];

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

    // Coordinates make four fifths of the loss when they are asked from the start: attributes come first.
    private static Dictionary<QuestionTask, double> Attributes => new()
    {
        [QuestionTask.Colour] = 5, [QuestionTask.Shape] = 4, [QuestionTask.Describe] = 0.7, [QuestionTask.Box] = 0.5, [QuestionTask.Existence] = 3, [QuestionTask.Count] = 1.5, [QuestionTask.Unknown] = 0.2,
    };

    private static Dictionary<QuestionTask, double> Easy => new()
    {
        [QuestionTask.Colour] = 2, [QuestionTask.Shape] = 3, [QuestionTask.Describe] = 3, [QuestionTask.Box] = 4, [QuestionTask.Existence] = 2, [QuestionTask.Count] = 1.5,
        [QuestionTask.Relation] = 0.5, [QuestionTask.Unknown] = 0.3,
    };

    private static Dictionary<QuestionTask, double> All => new()
    {
        [QuestionTask.Colour] = 1.5, [QuestionTask.Shape] = 3, [QuestionTask.Describe] = 2.5, [QuestionTask.Box] = 4, [QuestionTask.Existence] = 3, [QuestionTask.Count] = 3,
        [QuestionTask.Relation] = 2, [QuestionTask.BoxRelation] = 1, [QuestionTask.Reading] = 1, [QuestionTask.Unknown] = 0.3,
    };

    /// <summary>The plan of the shipped model.</summary>
    public static TrainingPlan Default => new()
    {
        Seed = 1,
        Stages =
        [
            new StagePlan { Name = "tower", Dense = true, Grid = 12, Batch = 8, Steps = 5800, Rate = 1.5e-3, End = 0.05, MinObjects = 10, MaxObjects = 20, PlateChance = 0.7, MaxPlates = 3 },
            new StagePlan { Name = "tower-full", Dense = true, Grid = 24, Batch = 3, Steps = 900, Rate = 5e-4, End = 0.05, AbsoluteWeight = 0.3, MinObjects = 3, MaxObjects = 14, PlateChance = 0.6, MaxPlates = 2 },
            new StagePlan { Name = "attributes", Dense = false, Grid = 12, Batch = 4, Steps = 700, Rate = 1.2e-3, MinObjects = 2, MaxObjects = 5, Questions = 16, Mix = Attributes },
            new StagePlan { Name = "windows", Dense = false, Grid = 12, Batch = 4, Steps = 1600, Rate = 1.2e-3, MinObjects = 2, MaxObjects = 5, Questions = 16, Mix = Easy },
            new StagePlan { Name = "full", Dense = false, Grid = 24, Batch = 3, Steps = 6000, Rate = 9e-4, MinObjects = 3, MaxObjects = 9, Questions = 22, Mix = All },
            new StagePlan { Name = "anneal", Dense = false, Grid = 24, Batch = 3, Steps = 1500, Rate = 9e-4, End = 0.03, MinObjects = 3, MaxObjects = 9, Questions = 22, Mix = All },
        ],
    };

    public static JsonSerializerOptions Json { get; } = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    public static TrainingPlan Read(string path) =>
        JsonSerializer.Deserialize<TrainingPlan>(File.ReadAllText(path), Json) ?? throw new InvalidDataException($"{path} holds no plan.");

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json));
}
