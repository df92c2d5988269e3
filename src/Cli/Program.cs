using System.CommandLine;
using D2Pruner.AI.Cli;

var root = new RootCommand("Asks local vision-language models about pictures, with D²Pruner dropping the visual tokens that do not matter.")
{
    AskCommand.Create(),
    ModelsCommand.Create(),
    PullCommand.Create(),
    ListCommand.Create(),
    VerifyCommand.Create(),
    RemoveCommand.Create(),
    InspectCommand.Create(),
    CalibrateCommand.Create(),
    OverlayCommand.Create(),
    McpCommand.Create(),
    EvaluateCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
