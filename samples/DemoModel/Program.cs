using D2Pruner.AI.DemoModel.Commands;

return await DemoCommands.CreateRoot().Parse(args).InvokeAsync();
