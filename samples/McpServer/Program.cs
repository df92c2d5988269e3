using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.McpServer;

// Vision tools over the Model Context Protocol, in an ASP.NET Core application (streamable HTTP) or over stdin and stdout.
// Usage: McpServer [--model FOLDER] [--allow-folder FOLDER] [--port N] [--stdio] [--demo]
Arguments arguments;
string folder;
int port;
try
{
    arguments = new Arguments(args, ["--stdio"], "--allow-folder", "--port");
    folder = arguments["--allow-folder"] ?? Path.Combine(AppContext.BaseDirectory, "images");
    if (!Directory.Exists(folder)) throw new ArgumentException($"The folder '{folder}' does not exist.");
    if (!int.TryParse(arguments["--port"] ?? (arguments.Demo ? "0" : "5105"), out port) || port is < 0 or > 65535)
        throw new ArgumentException($"--port is '{arguments["--port"]}'; expected 0 to 65535.");
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

if (arguments.Has("--stdio"))
{
    // Stdout is the protocol's; logs go to stderr.
    var host = Host.CreateApplicationBuilder();
    host.Logging.ClearProviders().AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
    host.Services.AddD2PrunerVisionTools(arguments.Model, o => o.AllowedFolders.Add(folder)).AddD2PrunerMcp().WithStdioServerTransport();
    await host.Build().RunAsync();
    return 0;
}

var builder = WebApplication.CreateBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
// Of this machine only; others need authentication and HTTPS before them.
builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
builder.Services.AddD2PrunerVisionTools(arguments.Model, o => o.AllowedFolders.Add(folder));
builder.Services.AddD2PrunerMcp();
await using var app = builder.Build();
app.MapD2PrunerMcp();
await app.StartAsync();
Console.WriteLine(arguments.Note);
Console.WriteLine($"MCP: {app.Urls.First()}/mcp, images: {(arguments.Has("--allow-folder") ? folder : "the sample's own")}");
if (arguments.Demo) await Demo.RunAsync(new Uri(app.Urls.First() + "/mcp"));
else await app.WaitForShutdownAsync();
return 0;
