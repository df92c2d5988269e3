using System.CommandLine;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner serve</c>: models behind OpenAI's API, metrics, and the studio page.</summary>
internal static class ServeCommand
{
    private const string McpPath = "/mcp";
    private static readonly Option<string[]> Model =
        new("--model", "-m") { Description = "Model folder, or a Hub id in the local Hugging Face cache; may be given several times. " +
            "Models of the configuration (D2Pruner:Models) are served too.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string[]> Name =
        new("--name") { Description = "Name in requests of each --model, in the same order. Default: the folder's name, or the " +
            "id's without its owner, in lower case. Requests may name a model by its id (owner/name) as well.",
            AllowMultipleArgumentsPerToken = true };
    private static readonly Option<int> Port = new("--port") { Description = "Port; 0 takes a free one.", DefaultValueFactory = _ => 8080 };
    private static readonly Option<string> HostName =
        new("--host") { Description = "Address to listen at; another than this machine's own needs keys or --allow-anonymous.",
            DefaultValueFactory = _ => "127.0.0.1" };
    private static readonly Option<FileInfo?> ApiKeyFile =
        new("--api-key-file") { Description = "File of the keys that callers may present, one a line." };
    private static readonly Option<bool> AllowAnonymous =
        new("--allow-anonymous") { Description = "Let other machines call without a key." };
    private static readonly Option<bool> NoStudio = new("--no-studio") { Description = "Leave the page at / out." };
    private static readonly Option<int?> DrainSeconds =
        new("--drain-seconds") { Description = "Seconds that running answers get at the end. Default: 30." };
    private static readonly Option<int?> RequestsPerMinute =
        new("--requests-per-minute") { Description = "Requests a minute of each key. Default: no limit." };
    private static readonly Option<string[]> CorsOrigin =
        new("--cors-origin") { Description = "Web origin whose pages may call, such as https://app.example.org.",
            AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string[]> ImageHost =
        new("--image-host") { Description = "Host that image addresses in requests may name; without it none is fetched.",
            AllowMultipleArgumentsPerToken = true };
    private static readonly Option<bool> Mcp =
        new("--mcp") { Description = "Also serve vision tools over MCP at /mcp, with the first model, behind the same keys." };
    private static readonly Option<string[]> AllowFolder =
        new("--allow-folder") { Description = "Folder whose images the tools may look at (with --mcp); may be given several times.",
            DefaultValueFactory = _ => [] };
    private static readonly ModelFlags Loading = new();
    private static readonly Option<int?> QueueCapacity =
        new("--queue-capacity") { Description = "Requests of one model that may wait; further ones are told to come again. Default: 64." };
    private static readonly Option<int?> MaxTokens =
        new("--max-tokens") { Description = "Longest answer of each --model in tokens, where a request says nothing of it. Default: what " +
            "D2Pruner:Clients:NAME says in the configuration, or 512." };

    public static Command Create()
    {
        var command = new Command("serve", "Serves models by OpenAI's API, with metrics, health and a page to look at what pruning does.")
        {
            Model, Name, Port, HostName, ApiKeyFile, AllowAnonymous, NoStudio, DrainSeconds, RequestsPerMinute, CorsOrigin, ImageHost, Mcp,
                AllowFolder, QueueCapacity, MaxTokens,
        };
        Loading.AddTo(command);
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        await using var app = Build(parse);
        // Told here, and not by every request.
        TorchEnvironment.EnsureLoaded();
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            foreach (var address in app.Urls)
                Console.WriteLine($"Listening at {address}{(parse.GetValue(NoStudio) ? "" : $" (studio: {address}/)")}");
        });
        try
        {
            await app.RunAsync(cancellationToken);
        }
        catch (Exception e) when (e is OptionsValidationException or InvalidOperationException)
        {
            throw new ArgumentException(e.Message, e);
        }
    }

    internal static WebApplication Build(ParseResult parse)
    {
        var port = parse.GetValue(Port);
        if (port is < 0 or > 65535) throw new ArgumentException($"--port is {port}; expected 0 to 65535.");
        var builder = WebApplication.CreateBuilder();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddD2PrunerServer(builder.Configuration.GetSection("D2Pruner:Server"));
        builder.Services.Configure<D2PrunerServerOptions>(o => Configure(o, parse));
        var served = builder.Services.AddD2PrunerModels(builder.Configuration).Count
            + AddModels(builder.Services, builder.Configuration, parse);
        if (served == 0)
            throw new ArgumentException("No model is named; give one with --model, or in the configuration under D2Pruner:Models.");
        if (parse.GetValue(ImageHost) is { Length: > 0 } hosts) builder.Services.AddD2PrunerImageResolver(o => o.AllowedHosts = [.. hosts]);
        if (parse.GetValue(Mcp)) AddMcp(builder.Services, parse);
        else if (parse.GetValue(AllowFolder)!.Length > 0)
            throw new ArgumentException("--allow-folder is for the vision tools; it needs --mcp.");
        builder.Services.AddD2PrunerWarmup();
        var host = parse.GetValue(HostName)!;
        builder.WebHost.UseUrls($"http://{(host.Contains(':') && !host.StartsWith('[') ? $"[{host}]" : host)}:{port}");
        var app = builder.Build();
        app.MapD2PrunerServer();
        if (parse.GetValue(Mcp))
        {
            // The same pages as everywhere else, whether an option or the configuration names them.
            app.Services.GetRequiredService<IOptions<D2PrunerMcpOptions>>().Value.AllowedOrigins =
                app.Services.GetRequiredService<IOptions<D2PrunerServerOptions>>().Value.CorsOrigins;
            app.MapD2PrunerMcp(McpPath).RequireD2PrunerDoors();
            app.MapD2PrunerPreflight(McpPath);
        }

        return app;
    }

    private static void AddMcp(IServiceCollection services, ParseResult parse)
    {
        foreach (var folder in parse.GetValue(AllowFolder)!)
        {
            if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"The allowed folder '{folder}' does not exist.");
        }

        var eyes = services.First(d => d.ServiceType == typeof(IChatClient)).ServiceKey;
        services.AddD2PrunerVisionTools(o => o.AllowedFolders = [.. parse.GetValue(AllowFolder)!], eyes);
        services.AddD2PrunerMcp();
    }

    private static void Configure(D2PrunerServerOptions options, ParseResult parse)
    {
        if (parse.GetValue(ApiKeyFile) is { } file) options.ApiKeyFile = file.FullName;
        if (parse.GetValue(AllowAnonymous)) options.AllowAnonymous = true;
        if (parse.GetValue(NoStudio)) options.Studio = false;
        options.DrainSeconds = parse.GetValue(DrainSeconds) ?? options.DrainSeconds;
        options.RequestsPerMinutePerKey = parse.GetValue(RequestsPerMinute) ?? options.RequestsPerMinutePerKey;
        foreach (var origin in parse.GetValue(CorsOrigin) ?? []) options.CorsOrigins.Add(origin);
    }

    private static int AddModels(IServiceCollection services, IConfiguration configuration, ParseResult parse)
    {
        if (parse.GetValue(MaxTokens) is < 1) throw new ArgumentException("--max-tokens must be at least 1.");
        var models = parse.GetValue(Model) ?? [];
        var names = parse.GetValue(Name) ?? [];
        if (names.Length > models.Length)
            throw new ArgumentException(
                $"There are {names.Length} --name for {models.Length} --model; name each model at most once, in the same order.");
        for (var i = 0; i < models.Length; i++)
        {
            var path = models[i];
            var name = i < names.Length ? names[i] : ModelLocator.IdOf(path);
            services.AddD2PrunerModel(name, o =>
            {
                (o.ModelPath, o.ModelId) = (path, name);
                Loading.Set(parse, o);
                o.QueueCapacity = parse.GetValue(QueueCapacity) ?? o.QueueCapacity;
            });
            services.AddD2PrunerServedClient(
                configuration, name, o => o.DefaultMaxOutputTokens = parse.GetValue(MaxTokens) ?? o.DefaultMaxOutputTokens);
        }

        return models.Length;
    }
}
