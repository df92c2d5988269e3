using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>A line on the console and in train-log.jsonl every 25 steps; curves as PNG.</summary>
internal sealed class TrainingLog
{
    public const string FileName = "train-log.jsonl";
    private readonly string _folder;
    private readonly string _path;

    public TrainingLog(string folder, bool append)
    {
        (_folder, _path) = (folder, Path.Combine(folder, FileName));
        if (!append) File.Delete(_path);
    }

    public void Say(string text) => Console.WriteLine($"{DateTime.Now:HH:mm:ss} {text}");

    public void Write(StagePlan stage, TrainingState state, double secondsPerStep, StepStatistics statistics)
    {
        var json = new JsonObject
        {
            ["stage"] = stage.Name, ["step"] = state.Step, ["minutes"] = Math.Round(state.Seconds / 60, 2), ["pictures"] = state.Pictures,
                ["questions"] = state.Questions,
            ["rate"] = stage.RateAt(state.Step), ["s_per_step"] = Math.Round(secondsPerStep, 3),
        };
        foreach (var (name, mean, _) in statistics.Means()) json[name] = Math.Round(mean, 4);
        File.AppendAllText(_path, json.ToJsonString() + "\n");
        var text = string.Join("  ", statistics.Means().Select(m => $"{m.Name} {m.Mean.ToString("0.###", CultureInfo.InvariantCulture)}"));
        Say($"{stage.Name} {state.Step}/{stage.Steps} {secondsPerStep:0.00}s/step {state.Seconds / 60:0.0}min  {text}");
    }

    /// <summary>Redraws curves.png.</summary>
    public void Draw()
    {
        if (!File.Exists(_path)) return;
        JsonElement[] rows = [.. File.ReadLines(_path).Where(l => l.Length > 2).Select(l => JsonDocument.Parse(l).RootElement)];
        File.WriteAllBytes(Path.Combine(_folder, "curves.png"), Curves.Draw(rows));
    }
}
