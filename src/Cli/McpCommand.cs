using System.CommandLine;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner mcp</c>: a Model Context Protocol server over stdin and stdout, for the host that started it.</summary>
internal static class McpCommand
{
    private const string Name = "mcp";

    private static readonly Option<string> Model = new("--model",
        "-m") { Description = "Model folder, or a Hub id in the local Hugging Face cache.", Required = true };
    private static readonly Option<string[]> AllowFolder = new("--allow-folder")
    {
        Description = "Folder whose images may be named, by relative path; may be given several times. Without it no file is read.",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<int> MaxTokens = new("--max-tokens") { Description = "Longest answer in tokens.",
        DefaultValueFactory = _ => 256 };
    private static readonly Option<bool> NoOverlay =
        new("--no-overlay") { Description = "Do not send images with the boxes drawn on them." };
    private static readonly ModelFlags Loading = new();

    public static Command Create()
    {
        var command = new Command(Name, "Serves vision tools to an MCP host (VS Code, Claude Desktop, an agent) over stdin and stdout.")
        {
            Model, AllowFolder, MaxTokens, NoOverlay,
        };
        Loading.AddTo(command);
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        // Stdout belongs to the protocol: whatever else would be written there goes to stderr, which hosts keep as a log.
        Console.SetOut(Console.Error);
        // No settings of the folder that the host happens to start it in.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning)
            // A failed start is told by this command, in one line.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Services.AddD2PrunerModel(Name, o =>
        {
            o.ModelPath = parse.GetValue(Model);
            Loading.Set(parse, o);
        });
        builder.Services.AddKeyedD2PrunerChatClient(Name, o => (o.Model, o.DefaultMaxOutputTokens) = (Name, parse.GetValue(MaxTokens)));
        // The host's answers come at once; the model loads meanwhile.
        builder.Services.AddD2PrunerWarmup(Name);
        builder.Services.AddD2PrunerVisionTools(
            o =>
            {
                foreach (var folder in parse.GetValue(AllowFolder)!) o.AllowedFolders.Add(folder);
                // Who started it reads its messages; nothing is secret from him.
                o.IncludeDetailedErrors = true;
            },
            Name);
        builder.Services.AddD2PrunerMcp(o => o.IncludeOverlay = !parse.GetValue(NoOverlay)).WithStdioServerTransport();
        using var host = builder.Build();
        try
        {
            // A folder that is not there, or libtorch that is not, is told before the host is answered.
            host.Services.GetRequiredService<VisionImages>();
            TorchEnvironment.EnsureLoaded();
            await host.RunAsync(cancellationToken);
        }
        catch (OptionsValidationException e)
        {
            throw new ArgumentException(e.Message, e);
        }
    }
}
