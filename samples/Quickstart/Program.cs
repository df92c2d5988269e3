using System.Globalization;
using D2Pruner.AI;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Samples;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Spectre.Console;

// Usage: Quickstart [MODEL_FOLDER [PICTURE [QUESTION...]]]. Without arguments: the shipped demo model, a drawn picture and three questions.
string model;
byte[] picture;
try
{
    model = args.Length > 0 ? args[0] : DemoModel.Find();
    picture = File.ReadAllBytes(args.Length > 1 ? args[1] : Path.Combine(AppContext.BaseDirectory, "images", "shapes.png"));
    ImageDecoder.Decode(picture); // a broken file is told at once
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageDecodeException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

string[] questions = args.Length > 2 ? args[2..]
    : ["What colour is the circle?", "How many things are there?", "Where is the blue square?"];
var output = Directory.CreateDirectory("out").FullName;
if (args.Length < 2) File.WriteAllBytes(Path.Combine(output, "picture.png"), picture);
Console.WriteLine(args.Length > 0 ? $"Model: {model}" : DemoModel.Note);

// The one-liner: an IChatClient over a local vision-language model. It reads each question and chooses how to prune.
var services = new ServiceCollection();
services.AddD2PrunerChatClient(model, o => o.DefaultMaxOutputTokens = 64);
await using var provider = services.BuildServiceProvider();
var client = provider.GetRequiredService<IChatClient>();

// The first requests load the model and warm everything up; they are not measured.
foreach (var options in new[] { new ChatOptions().WithoutPruning(), new ChatOptions() }) await AskAsync(questions[0], options);

var table = new Table().Border(TableBorder.Rounded)
    .AddColumns("question", "without pruning", "with D²Pruner", "preset", "visual tokens", "prefill ms", "KV kB");
ChatResponse? last = null;
foreach (var question in questions)
{
    var plain = await AskAsync(question, new ChatOptions().WithoutPruning());
    last = await AskAsync(question, new ChatOptions());
    var (a, b) = (plain.GetPruningReport()!, last.GetPruningReport()!);
    table.AddRow(
        Cell(question), Cell(plain.Text), Cell(last.Text), $"{b.Preset}", $"{a.VisualTokensKept} -> {b.VisualTokensKept}",
        string.Create(CultureInfo.InvariantCulture, $"{a.Times.PrefillMs:F0} -> {b.Times.PrefillMs:F0}"),
        $"{a.KvBytes / 1000:N0} -> {b.KvBytes / 1000:N0}");
}

AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 120); // where the output goes to a file, it takes 80 columns
AnsiConsole.Write(table);
var report = last!.GetPruningReport()!;
var overlay = Path.Combine(output, "kept-tokens.png");
File.WriteAllBytes(overlay,
    BoxPicture.Draw(picture, report.Images[0], [.. last!.GetGroundings().Select(r => (r.Label ?? "answer", r.Box))]));
Console.WriteLine($"Preset of the last question: {report.Preset}. {report.PresetReason} Prior: {report.Prior}.");
Console.WriteLine($"Its picture, with dropped tokens dimmed and the boxes of the answer: {overlay}");
return 0;

Task<ChatResponse> AskAsync(string question, ChatOptions options)
{
    options.Temperature = 0;
    return client.GetResponseAsync(
        [new ChatMessage(ChatRole.User, [new DataContent(picture, "image/*"), new TextContent(question)])], options);
}

static string Cell(string text) => Markup.Escape(Terminal.Safe(text.Trim().ReplaceLineEndings(" ")));
