using System.Globalization;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Where a run stands: everything that resuming needs.</summary>
internal sealed class TrainingState(AdamW optimizer)
{
    public const string FileName = "checkpoint.safetensors";

    public AdamW Optimizer { get; } = optimizer;

    public int Stage { get; set; }

    /// <summary>Steps done in the stage.</summary>
    public long Step { get; set; }

    public long TowerSteps { get; set; }

    public long DecoderSteps { get; set; }

    /// <summary>The projector has been fitted to the finished tower's features.</summary>
    public bool ProjectorFitted { get; set; }

    public double Seconds { get; set; }

    public long Pictures { get; set; }

    public long Questions { get; set; }

    public void Save(string folder)
    {
        var writer = new SafetensorsWriter();
        void Set(string key, IFormattable value) => writer.Metadata[key] = value.ToString(null, CultureInfo.InvariantCulture);
        Set("stage", Stage);
        Set("step", Step);
        Set("tower_steps", TowerSteps);
        Set("decoder_steps", DecoderSteps);
        Set("projector_fitted", ProjectorFitted ? 1 : 0);
        Set("seconds", Seconds);
        Set("pictures", Pictures);
        Set("questions", Questions);
        long size = Optimizer.Master.Length;
        writer.Add("master", Optimizer.Master, size).Add("first", Optimizer.First, size).Add("second", Optimizer.Second, size)
            .Add("average", Optimizer.Average, size);
        writer.Write(Path.Combine(folder, FileName));
    }

    public static TrainingState Load(string path, ParameterLayout layout)
    {
        using var file = SafetensorsFile.Open(path);
        var master = file.ReadArray<float>("master");
        if (master.Length != layout.Size)
            throw new InvalidDataException(
                $"{path} holds {master.Length} parameters, the model has {layout.Size}; it is the checkpoint of another architecture.");
        var optimizer = new AdamW(layout, master);
        file.ReadArray<float>("first").CopyTo(optimizer.First, 0);
        file.ReadArray<float>("second").CopyTo(optimizer.Second, 0);
        file.ReadArray<float>("average").CopyTo(optimizer.Average, 0);
        double Get(string key) => double.Parse(file.Metadata[key], CultureInfo.InvariantCulture);
        return new TrainingState(optimizer)
        {
            Stage = (int)Get("stage"),
            Step = (long)Get("step"),
            TowerSteps = (long)Get("tower_steps"),
            DecoderSteps = (long)Get("decoder_steps"),
            ProjectorFitted = Get("projector_fitted") != 0,
            Seconds = Get("seconds"),
            Pictures = (long)Get("pictures"),
            Questions = (long)Get("questions"),
        };
    }
}
