using D2Pruner.AI.Cli;

// Says where libtorch lies; nothing is loaded before a command computes.
LibtorchLocator.Use();
return await CommandLine.RunAsync(CommandLine.CreateRoot(), args);
