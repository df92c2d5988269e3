using System.CommandLine;
using D2Pruner.AI.DemoModel.Evaluation;
using D2Pruner.AI.DemoModel.World;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary><c>draw</c>: scenes as PNG files, for calibration and to look at.</summary>
internal static class DrawCommand
{
    public static Command Create()
    {
        var output = new Option<string>("--out") { Description = "Folder to write to.", Required = true };
        var scenes = new Option<int>("--scenes") { Description = "How many.", DefaultValueFactory = _ => 300 };
        var seed = new Option<long>("--seed") { Description = "Seed within the split.", DefaultValueFactory = _ => 1 };
        var split = new Option<Split>(
            "--split") { Description = "Train, Calibration, Validation or Test.", DefaultValueFactory = _ => Split.Calibration };
        var command = new Command("draw", "Writes scenes as PNG files, e.g. to calibrate a prior on.") { output, scenes, seed, split };
        command.SetAction((parse, cancel) =>
        {
            var folder = Directory.CreateDirectory(parse.GetValue(output)!).FullName;
            for (var i = 0; i < parse.GetValue(scenes); i++)
            {
                cancel.ThrowIfCancellationRequested();
                var scene = Scene.Create(parse.GetValue(split), (ulong)parse.GetValue(seed), (ulong)i, SceneCases.Scenes);
                File.WriteAllBytes(Path.Combine(folder, $"scene-{i:00000}.png"), SceneImage.Draw(scene).ToPng());
            }

            Console.WriteLine($"{parse.GetValue(scenes)} scenes written to {folder}");
            return Task.FromResult(0);
        });
        return command;
    }
}
