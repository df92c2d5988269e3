using System.CommandLine;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner overlay</c>: an image of what pruning keeps and why, with the answer's boxes.</summary>
internal static class OverlayCommand
{
    private static readonly Option<string> Model = CommonOptions.Model();
    private static readonly Option<string> Image = new("--image", "-i") { Description = $"{ImageInput.Description}.", Required = true };
    private static readonly Option<bool> AllowUrl = new("--allow-url") { Description = "Allow --image to be an http or https address." };
    private static readonly Option<string> Prompt =
        new("--prompt", "-p") { Description = "The question: what is kept depends on it.", Required = true };
    private static readonly Option<FileInfo> Out =
        new("--out", "-o") { Description = "PNG to write.", DefaultValueFactory = _ => new FileInfo("out.png") };
    private static readonly PruningFlags Pruning = new();
    private static readonly Option<int> MaxTokens =
        new("--max-tokens") { Description = "Longest answer in tokens; its boxes are drawn.", DefaultValueFactory = _ => 64 };
    private static readonly ModelFlags Loading = new();

    public static Command Create()
    {
        var command = new Command(
            "overlay", "Draws what pruning keeps of an image for a question, beside heat maps of attention, prior and relative " +
            "attention, and the answer's boxes.") { Model, Image, AllowUrl, Prompt, Out, MaxTokens };
        Loading.AddTo(command);
        Pruning.AddTo(command);
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        if (Pruning.Preset(parse) == PruningPreset.None)
            throw new ArgumentException("--preset None prunes nothing; there is nothing to draw.");
        var target = parse.GetValue(Out)!;
        OutputFile.EnsureWritable("--out", target);
        var overrides = Pruning.Overrides(parse);
        var image = await ImageInput.ReadAsync(parse.GetValue(Image)!, parse.GetValue(AllowUrl), cancellationToken);
        var options = Loading.Options(parse, parse.GetValue(Model));
        await using var engine = await ModelSession.LoadAsync(options, quiet: false, cancellationToken);
        using var client = new D2PrunerChatClient(engine);
        var request = new ChatOptions { MaxOutputTokens = parse.GetValue(MaxTokens),
            AdditionalProperties = new() { [AskCommand.IncludeScores] = true } };
        request.WithPruning(Pruning.Preset(parse)).WithPruning(overrides);
        var message = new ChatMessage(ChatRole.User, [image, new TextContent(parse.GetValue(Prompt))]);
        var response = await client.GetResponseAsync([message], request, cancellationToken);
        var prefill = ((GenerationResult)response.RawRepresentation!).Prefill;
        OverlayFile.Write(target, response, image);
        Console.WriteLine(response.Text.Trim());
        Console.WriteLine($"{prefill.VisualTokensKept} of {prefill.VisualTokens} visual tokens kept, prior: {prefill.Prior ?? "none"}");
        Console.WriteLine($"Written: {target.FullName}");
    }
}
