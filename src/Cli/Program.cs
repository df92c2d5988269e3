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
    ServeCommand.Create(),
    InspectCommand.Create(),
    MethodsCommand.Create(),
    CalibrateCommand.Create(),
    OverlayCommand.Create(),
    McpCommand.Create(),
    EvaluateCommand.Create(),
    QuantizeCommand.Create(),
};
// A server ends its answers before it ends: its host listens to the signals itself, without this library's two seconds.
return await root.Parse(args).InvokeAsync(args is ["serve", ..] ? new InvocationConfiguration { ProcessTerminationTimeout = null } : null);
