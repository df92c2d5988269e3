using System.CommandLine;
using D2Pruner.AI.DemoModel.Training;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary><c>train</c> and <c>resume</c>.</summary>
internal static class TrainCommand
{
    private const string PlanFile = "plan.json";

    public static Command Create()
    {
        var (output, plan, workers, minutes) = Options();
        var force = new Option<bool>("--force") { Description = "Start again in a folder that holds a run." };
        var command = new Command(
            "train", "Starts a run with the default plan (or --plan) and runs it to its end; stop it at will, 'resume' " +
            "continues.") { output, plan, workers, minutes, force };
        command.SetAction((parse, cancel) =>
        {
            var folder = parse.GetValue(output)!;
            if (File.Exists(Path.Combine(folder, TrainingState.FileName)) && !parse.GetValue(force))
            {
                Console.Error.WriteLine($"{folder} already holds a run; use 'resume --out {folder}', another folder, or --force.");
                return Task.FromResult(1);
            }

            var chosen = parse.GetValue(plan) is { } path ? TrainingPlan.Read(path) : TrainingPlan.Default;
            Directory.CreateDirectory(folder);
            chosen.Write(Path.Combine(folder, PlanFile));
            return Run(folder, chosen, parse.GetValue(workers), false, parse.GetValue(minutes), false, null, cancel);
        });
        return command;
    }

    public static Command CreateResume()
    {
        var (output, plan, workers, minutes) = Options();
        var stage = new Option<string?>("--stage") { Description = "Go to the beginning of this stage of the plan." };
        var fresh = new Option<bool>("--fresh-decoder") { Description = "Keep the tower, begin projector and decoder anew." };
        var command = new Command("resume", "Continues a run from its last checkpoint.") { output, plan, workers, minutes, fresh, stage };
        command.SetAction((parse, cancel) =>
        {
            var folder = parse.GetValue(output)!;
            var chosen = TrainingPlan.Read(parse.GetValue(plan) ?? Path.Combine(folder, PlanFile));
            chosen.Write(Path.Combine(folder, PlanFile));
            return Run(folder, chosen, parse.GetValue(workers), true, parse.GetValue(minutes), parse.GetValue(fresh),
                parse.GetValue(stage), cancel);
        });
        return command;
    }

    private static (Option<string> Output, Option<string?> Plan, Option<int> Workers, Option<double> Minutes) Options() => (
        new Option<string>("--out") { Description = "Folder of the run.", DefaultValueFactory = _ => "runs/demo-llava" },
        new Option<string?>("--plan") { Description = "A plan as JSON; the default is the plan of the shipped model." },
        new Option<int>("--workers") { Description = "Workers, one core each.",
            DefaultValueFactory = _ => Math.Clamp(Environment.ProcessorCount, 1, 2) },
        new Option<double>("--minutes") { Description = "Stop after this many minutes.", DefaultValueFactory = _ => 100000 });

    private static Task<int> Run(
        string folder, TrainingPlan plan, int workers, bool resume, double minutes, bool fresh, string? stage, CancellationToken cancel)
    {
        TorchEnvironment.EnsureLoaded();
        Trainer.Run(folder, plan, workers, resume, TimeSpan.FromMinutes(minutes), fresh, stage, cancel);
        return Task.FromResult(0);
    }
}
