using System.CommandLine;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary>The program's command line.</summary>
internal static class DemoCommands
{
    public static RootCommand CreateRoot() =>
        new("Trains, evaluates and exports the demo model: a small LLaVA-1.5 that answers questions about drawn scenes.")
        {
            TrainCommand.Create(),
            TrainCommand.CreateResume(),
            EvaluateCommand.Create(),
            ReuseCommand.Create(),
            ExportCommand.Create(),
            SheetCommand.Create(),
            DrawCommand.Create(),
        };
}
