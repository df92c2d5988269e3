using System.CommandLine;
using D2Pruner.AI.Cli;

LibtorchLocator.Use();
var root = new RootCommand("Asks local vision-language models about pictures, with D²Pruner dropping the visual tokens that do not matter.")
{
    AskCommand.Create(),
    ChatCommand.Create(),
    DoctorCommand.Create(),
    ModelsCommand.Create(),
    PullCommand.Create(),
    ListCommand.Create(),
    VerifyCommand.Create(),
    RemoveCommand.Create(),
    ServeCommand.Create(),
    InspectCommand.Create(),
    MethodsCommand.Create(),
    CalibrateCommand.Create(),
    OverlayCommand.Create(),
    CompletionsCommand.Create(),
    McpCommand.Create(),
    EvaluateCommand.Create(),
    TuneCommand.Create(),
    QuantizeCommand.Create(),
};
return await CommandLine.RunAsync(root, args);
