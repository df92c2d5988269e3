using D2Pruner.AI;
using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.Server;
using Microsoft.Extensions.AI;

// Models behind OpenAI's API, with the studio at /. Usage: Server [--port 8080] [--host 127.0.0.1] [--model FOLDER] [--mcp]
// Settings: appsettings.json, or the same names in the environment (D2Pruner__Server__ApiKeyFile=...).
var builder = WebApplication.CreateBuilder(
    new WebApplicationOptions { Args = [.. args.Where(a => a != "--mcp")], ContentRootPath = AppContext.BaseDirectory });
var configuration = builder.Configuration;

builder.AddTelemetry();
builder.Services.AddD2PrunerServer(configuration.GetSection("D2Pruner:Server"));
if (configuration["model"] is { } folder || builder.Services.AddD2PrunerModels(configuration).Count == 0)
{
    // Nothing is configured: the shipped demo model.
    var path = configuration["model"] ?? DemoModel.Find();
    Console.WriteLine(configuration["model"] is null ? DemoModel.Note : $"Model: {path}");
    builder.Services.AddD2PrunerChatClient(path, o => (o.ToolConvention, o.ParseGroundings) = (ToolConvention.Json, true));
}

if (args.Contains("--mcp"))
{
    // Vision tools for agents, over the first client.
    builder.Services.AddD2PrunerVisionTools(clientKey: builder.Services.First(d => d.ServiceType == typeof(IChatClient)).ServiceKey);
    builder.Services.AddD2PrunerMcp();
}

builder.Services.AddD2PrunerWarmup();
if (configuration["urls"] is null)
    builder.WebHost.UseUrls($"http://{configuration["host"] ?? "127.0.0.1"}:{configuration["port"] ?? "8080"}");

var app = builder.Build();
app.MapD2PrunerServer();
if (args.Contains("--mcp")) app.MapD2PrunerMcp().RequireD2PrunerAccess();
app.Lifetime.ApplicationStarted.Register(() =>
{
    foreach (var address in app.Urls) Console.WriteLine($"Listening at {address} (studio: {address}/)");
});
await app.RunAsync();
