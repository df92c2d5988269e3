using System.CommandLine;
using D2Pruner.AI.DemoModel.Training;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary><c>export</c>: the running average of a run's weights as a LLaVA-1.5 folder.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var run = new Option<string>("--run") { Description = "Folder of the run.", DefaultValueFactory = _ => "runs/demo-llava" };
        var output = new Option<string>("--out") { Description = "Folder to write.", Required = true };
        var command = new Command("export", "Writes the run's averaged weights as a LLaVA-1.5 checkpoint folder in bf16.") { run, output };
        command.SetAction(parse =>
        {
            TorchEnvironment.EnsureLoaded();
            var folder = parse.GetValue(output)!;
            ModelFolder.WriteConfiguration(folder);
            var (blueprint, _) = ModelFolder.Open(folder);
            var layout = ParameterLayout.Of(blueprint, ModelFolder.Width);
            var state = TrainingState.Load(Path.Combine(parse.GetValue(run)!, TrainingState.FileName), layout);
            ModelFolder.WriteWeights(folder, layout, state.Optimizer.Average);
            Console.WriteLine($"{folder}: {layout.Slots.Where(s => s.Module != "dense").Sum(s => (long)s.Count):N0} parameters after " +
                $"{state.Questions:N0} questions.");
            return 0;
        });
        return command;
    }
}
