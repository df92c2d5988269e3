using System.CommandLine;
using D2Pruner.AI.DemoModel.Commands;

var root = new RootCommand("Trains, evaluates and exports the demo model: a small LLaVA-1.5 that answers questions about drawn scenes.");
root.Subcommands.Add(TrainCommand.Create());
root.Subcommands.Add(TrainCommand.CreateResume());
root.Subcommands.Add(EvaluateCommand.Create());
root.Subcommands.Add(ReuseCommand.Create());
root.Subcommands.Add(ExportCommand.Create());
root.Subcommands.Add(SheetCommand.Create());
root.Subcommands.Add(DrawCommand.Create());
return await root.Parse(args).InvokeAsync();
