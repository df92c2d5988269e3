using System.Globalization;
using System.Net;
using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.Cluster;
using Microsoft.Extensions.AI;

// A server and its workers, each a process, on this machine:
//   Cluster [--workers 2] [--port 8080] [--silo-port 11111] [--model FOLDER] [--demo]
// The server answers at /v1 as OpenAI does, and asks a question a second itself, so that one sees what a killed worker changes.
// --demo ends after ten questions. Workers are started as: Cluster --worker N (and the server's options).
var builder = WebApplication.CreateBuilder(
    new WebApplicationOptions { Args = [.. args.Where(a => a != "--demo")], ContentRootPath = AppContext.BaseDirectory });
var configuration = builder.Configuration;
int Number(string name, int otherwise) => configuration.GetValue(name, otherwise);
var (worker, first) = (Number("worker", 0), Number("silo-port", 11111));
// A killed worker fills the log of everybody who still calls it.
builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Orleans", LogLevel.Critical).AddFilter("Polly", LogLevel.Error);
builder.Host.UseOrleans(silo =>
{
    // Two ports each: for silos and for clients. The server's silo keeps the membership; a database does in earnest (docs/scale-out.md).
    silo.UseLocalhostClustering(
        first + 2 * worker, first + 2 * worker + 1, worker == 0 ? null : new IPEndPoint(IPAddress.Loopback, first));
    if (worker == 0) return;
    silo.Services.AddD2PrunerModel("vision", o => o.ModelPath = configuration["model"] ?? DemoModel.Find());
    silo.AddD2PrunerWorker();
});

if (worker > 0)
{
    builder.WebHost.UseUrls("http://127.0.0.1:0");
    await using var serving = builder.Build();
    // With the server ends what it started. (The console's reader waits where it is called.)
    _ = Task.Run(() => Console.In.ReadToEnd()).ContinueWith(_ => serving.Lifetime.StopApplication(), TaskScheduler.Default);
    await serving.RunAsync();
    return;
}

builder.Services.AddD2PrunerOrleansChatClient("vision", o => o.ToolConvention = D2Pruner.AI.ToolConvention.Json);
builder.Services.AddD2PrunerServer();
builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Number("port", 8080)}"));
await using var app = builder.Build();
app.MapD2PrunerServer();
await app.StartAsync();
Console.WriteLine(configuration["model"] is { } folder ? $"Model: {folder}" : DemoModel.Note);
foreach (var address in app.Urls) Console.WriteLine($"Listening at {address} (studio: {address}/)");
// The workers end first: they take leave of the server's silo.
using (new WorkerProcesses(Number("workers", 2), args))
{
    var client = app.Services.GetRequiredService<IChatClient>();
    for (var i = 0; !app.Lifetime.ApplicationStopping.IsCancellationRequested && (i < 10 || !args.Contains("--demo")); i++)
    {
        await Asking.AskAsync(client, i, app.Lifetime.ApplicationStopping);
        await Task.Delay(TimeSpan.FromSeconds(args.Contains("--demo") ? 0 : 1), app.Lifetime.ApplicationStopping)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

await app.StopAsync();
