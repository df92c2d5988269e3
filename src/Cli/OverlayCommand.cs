using D2Pruner.AI.Runtime.Overlays;
using System.CommandLine;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner overlay</c>: a picture of what pruning keeps and why.</summary>
internal static class OverlayCommand
{
    private static readonly Option<string> Model = new("--model", "-m") { Description = "Model folder, or a Hub id in the local Hugging Face cache.", Required = true };
    private static readonly Option<FileInfo> Image = new("--image", "-i") { Description = "Picture.", Required = true };
    private static readonly Option<string> Prompt = new("--prompt", "-p") { Description = "The question: what is kept depends on it.", Required = true };
    private static readonly Option<FileInfo> Out = new("--out", "-o") { Description = "PNG to write.", DefaultValueFactory = _ => new FileInfo("out.png") };
    private static readonly PruningFlags Pruning = new();
    private static readonly Option<string> Device = new("--device") { Description = "auto, cpu, cuda or cuda:N.", DefaultValueFactory = _ => "auto" };

    public static Command Create()
    {
        var command = new Command("overlay", "Draws what pruning keeps of a picture for a question, beside heat maps of attention, prior and relative attention.") { Model, Image, Prompt, Out, Device };
        Pruning.AddTo(command);
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        if (Pruning.Preset(parse) == PruningPreset.None) throw new ArgumentException("--preset None prunes nothing; there is nothing to draw.");
        var target = parse.GetValue(Out)!.FullName;
        AtomicFile.CheckWritable(target);
        var bytes = await RegularFile.ReadAllBytesAsync(parse.GetValue(Image)!.FullName, ImageLimits.Default.MaxBytes, cancellationToken);
        var options = new VisionModelOptions { ModelPath = parse.GetValue(Model), Device = parse.GetValue(Device)! };
        await using var engine = await AskCommand.LoadAsync(options, quiet: false, cancellationToken);
        using var client = new D2PrunerChatClient(engine);
        var request = new ChatOptions { MaxOutputTokens = 1, AdditionalProperties = new() { [AskCommand.IncludeScores] = true } };
        request.WithPruning(Pruning.Preset(parse)).WithPruning(Pruning.Overrides(parse));
        var message = new ChatMessage(ChatRole.User, [new DataContent(bytes, "application/octet-stream"), new TextContent(parse.GetValue(Prompt))]);
        var response = await client.GetResponseAsync([message], request, cancellationToken);
        var result = (GenerationResult)response.RawRepresentation!;
        AtomicFile.Write(target, PruningPanels.Render(ImageDecoder.Decode(bytes), result.Prefill.Images[0], result.Prefill));
        Console.WriteLine($"{result.Prefill.VisualTokensKept} of {result.Prefill.VisualTokens} visual tokens kept, prior: {result.Prefill.Prior ?? "none"}");
        Console.WriteLine($"Written: {target}");
    }
}
