using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace D2Pruner.AI.FaultHost;

/// <summary>A registered model with its client, one question that always has the same answer, and what became of it last.</summary>
internal sealed class Subject : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly byte[] _image;

    public Subject(string model, byte[] image, Action<VisionModelOptions>? configure = null, ILoggerFactory? loggers = null)
    {
        var services = new ServiceCollection();
        if (loggers is not null) services.AddSingleton(loggers);
        services.AddD2PrunerModel("default", o =>
        {
            (o.ModelPath, o.Device) = (model, "cpu");
            configure?.Invoke(o);
        });
        services.AddD2PrunerChatClient();
        _services = services.BuildServiceProvider();
        _image = image;
    }

    public IChatClient Client => _services.GetRequiredService<IChatClient>();

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    /// <summary>The answer's text and the report's counts; or the kind of its error.</summary>
    public async Task<string> AskAsync(
        byte[]? image = null, Action<ChatOptions>? configure = null, CancellationToken cancellationToken = default)
    {
        var options = new ChatOptions { MaxOutputTokens = 6, Temperature = 0 };
        configure?.Invoke(options);
        try
        {
            var response = await Client.GetResponseAsync(
                [new ChatMessage(ChatRole.User, [new DataContent(image ?? _image, "image/png"), new TextContent("What is this?")])],
                    options, cancellationToken).ConfigureAwait(false);
            return $"{response.Text} ({response.GetPruningReport()!.VisualTokensKept})";
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e);
            return $"error {e.GetVisionErrorKind()?.ToString() ?? "Cancelled"}";
        }
    }
}
