using D2Pruner.AI;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

// Images on the command line go with the first question; questions come from standard input.
var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.Services.AddSingleton<IProgress<ModelLoadProgress>>(new LoadProgress());
builder.Services.AddD2PrunerModel("default", builder.Configuration.GetSection("D2Pruner:Models:default"));
builder.Services.AddD2PrunerChatClient(builder.Configuration.GetSection("D2Pruner:Clients:default"));
using var host = builder.Build();
var client = host.Services.GetRequiredService<IChatClient>();

List<ChatMessage> history = [];
List<AIContent> waiting = [];
foreach (var path in args.Where(File.Exists)) waiting.Add(new DataContent(await File.ReadAllBytesAsync(path), "image/*"));
Console.WriteLine("Ask; the path of an image adds it to the next question; an empty line ends.");
while (Console.ReadLine() is { Length: > 0 } line)
{
    if (File.Exists(line))
    {
        waiting.Add(new DataContent(await File.ReadAllBytesAsync(line), "image/*"));
        continue;
    }

    var message = new ChatMessage(ChatRole.User, [.. waiting, new TextContent(line)]);
    waiting.Clear();
    List<ChatResponseUpdate> updates = [];
    try
    {
        await foreach (var update in client.GetStreamingResponseAsync([.. history, message]))
        {
            Console.Write(update.Text);
            updates.Add(update);
        }
    }
    catch (Exception e) when (e.GetVisionErrorKind() is not null)
    {
        // A file that is no image, a model that cannot be loaded: the conversation goes on without this question.
        Console.WriteLine($"\n{e.Message}");
        continue;
    }

    var response = updates.ToChatResponse();
    history.Add(message);
    history.AddMessages(response);
    Console.WriteLine(response.GetPruningReport() is { VisualTokens: > 0 } report
        ? $"\n({report.VisualTokensKept} of {report.VisualTokens} visual tokens kept, preset {report.Preset})" : "");
}

/// <summary>Tells of the first start, which may have to fetch the model.</summary>
internal sealed class LoadProgress : IProgress<ModelLoadProgress>
{
    private int _last = -10;

    public void Report(ModelLoadProgress value)
    {
        var percent = (int)(100 * value.Fraction);
        if (percent < _last + 10 && percent >= _last) return;
        _last = percent;
        Console.Error.WriteLine($"{value.Stage} {percent}%");
    }
}
