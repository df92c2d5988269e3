using D2Pruner.AI;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Samples.Quickstart;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Spectre.Console;

// Usage: Quickstart [MODEL_FOLDER [PICTURE [QUESTION]]]. Without arguments: the shipped model on a drawn picture.
var modelFolder = args.Length > 0 ? args[0] : Path.Combine(AppContext.BaseDirectory, "tiny-llava");
var output = Directory.CreateDirectory("out").FullName;
var picture = args.Length > 1 ? File.ReadAllBytes(args[1]) : SamplePicture.Draw();
var question = args.Length > 2 ? args[2] : "What is shown in this image?";
if (args.Length == 0)
{
    Console.WriteLine("The shipped model is a tiny one with random weights: its words mean nothing, every number below is measured.");
    Console.WriteLine("Give a model folder to get real answers: dotnet run --project samples/Quickstart -- MODEL_FOLDER PICTURE QUESTION");
    File.WriteAllBytes(Path.Combine(output, "picture.png"), picture);
}

// The one-liner: an IChatClient over a local vision-language model.
var services = new ServiceCollection();
services.AddD2PrunerChatClient(modelFolder);
await using var provider = services.BuildServiceProvider();
var client = provider.GetRequiredService<IChatClient>();

// The first requests load the model and warm everything up; they are not measured.
await Ask(new ChatOptions { MaxOutputTokens = 2 }.WithoutPruning(), stream: false);
await Ask(new ChatOptions { MaxOutputTokens = 2 }.WithPruning(PruningPreset.Understanding), stream: false);
Console.WriteLine($"{Environment.NewLine}Without pruning:");
var plain = await Ask(new ChatOptions { MaxOutputTokens = 24, Temperature = 0 }.WithoutPruning(), stream: true);
Console.WriteLine($"{Environment.NewLine}With D²Pruner:");
var pruned = await Ask(new ChatOptions { MaxOutputTokens = 24, Temperature = 0 }.WithPruning(PruningPreset.Understanding), stream: true);

var (a, b) = (plain.GetPruningReport()!, pruned.GetPruningReport()!);
var table = new Table().Border(TableBorder.Rounded).AddColumns("", "without", "with D²Pruner");
table.AddRow("visual tokens", $"{a.VisualTokensKept}", $"{b.VisualTokensKept} of {b.VisualTokens}");
table.AddRow("prefill ms", $"{a.Times.PrefillMs:F1}", $"{b.Times.PrefillMs:F1} (pruning {b.Times.PruneMs:F1})");
table.AddRow("vision ms", $"{a.Times.VisionMs:F1}", $"{b.Times.VisionMs:F1}");
table.AddRow("decode ms", $"{a.Times.DecodeMs:F1}", $"{b.Times.DecodeMs:F1}");
table.AddRow("KV bytes", $"{a.KvBytes:N0}", $"{b.KvBytes:N0}");
table.AddRow("positional prior", "-", b.Prior ?? "-");
Console.WriteLine();
AnsiConsole.Write(table);

var image = b.Images[0];
var kept = image.Kept.Select(image.AreaOf).Select(area => new PixelBox(area.Left * image.Width, area.Top * image.Height, area.Right * image.Width, area.Bottom * image.Height));
var overlay = Path.Combine(output, "kept-tokens.png");
File.WriteAllBytes(overlay, TokenOverlay.Render(ImageDecoder.Decode(picture), kept));
Console.WriteLine($"The picture with the dropped tokens dimmed: {overlay}");
return 0;

async Task<ChatResponse> Ask(ChatOptions options, bool stream)
{
    ChatMessage[] messages = [new(ChatRole.User, [new DataContent(picture, "image/png"), new TextContent(question)])];
    List<ChatResponseUpdate> updates = [];
    await foreach (var update in client.GetStreamingResponseAsync(messages, options))
    {
        updates.Add(update);
        if (stream) Console.Write(update.Text);
    }

    if (stream) Console.WriteLine();
    return updates.ToChatResponse();
}
