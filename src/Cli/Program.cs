using System.CommandLine;
using D2Pruner.AI.Cli;

LibtorchLocator.Use();
// What looks after machine and models must work before libtorch does.
if (args is ["doctor" or "models" or "pull" or "list" or "verify" or "rm", ..])
{
    return await CommandLine.RunAsync(
        new RootCommand { DoctorCommand.Create(), ModelsCommand.Create(), PullCommand.Create(), ListCommand.Create(),
            VerifyCommand.Create(), RemoveCommand.Create() }, args);
}

// The pruning methods' flags come from the methods, which hold libtorch's scalars: it is loaded first, and in the right order.
if (D2Pruner.AI.Runtime.TorchEnvironment.Probe() is { Problem: { } problem })
{
    Failure.Error(problem);
    return 1;
}

var root = new RootCommand("Asks local vision-language models about images, with D²Pruner dropping the visual tokens that do not matter.")
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
