using System.CommandLine;
using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner chat</c>: a conversation about images in the terminal.</summary>
internal static class ChatCommand
{
    private static readonly Option<string> Model = CommonOptions.Model();
    private static readonly Option<string[]> Image =
        new("--image", "-i") { Description = $"{ImageInput.Description}; goes with the first question.",
            AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private static readonly Option<bool> AllowUrl = new("--allow-url") { Description = "Allow images to be http or https addresses." };
    private static readonly Option<string?> System = new("--system") { Description = "Instructions that precede the conversation." };
    private static readonly PruningFlags Pruning = new();
    private static readonly Option<int> MaxTokens = CommonOptions.MaxTokens();
    private static readonly ModelFlags Loading = new();

    public static Command Create()
    {
        var command = new Command(
            "chat", "Talks with a model: type a question, name images by their path, /help lists commands. Reads standard input, so it " +
            "can be scripted.") { Model, Image, AllowUrl, System, MaxTokens };
        Loading.AddTo(command);
        Pruning.AddTo(command);
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var overrides = Pruning.Overrides(parse);
        List<DataContent> images = [];
        foreach (var source in parse.GetValue(Image)!)
            images.Add(await ImageInput.ReadAsync(source, parse.GetValue(AllowUrl), cancellationToken));
        var options = Loading.Options(parse, parse.GetValue(Model));
        await using var engine = await ModelSession.LoadAsync(options, quiet: false, cancellationToken);
        using var client = new D2PrunerChatClient(engine);
        var session = new ChatSession(
            client, Console.In, Console.Out, Pruning.Preset(parse), overrides, parse.GetValue(MaxTokens),
            parse.GetValue(AllowUrl)) { Instructions = parse.GetValue(System) };
        await session.RunAsync(images, cancellationToken);
    }
}
