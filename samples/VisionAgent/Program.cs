using D2Pruner.AI;
using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.VisionAgent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

// A chat model that cannot see, with functions that can.
// Usage: VisionAgent [--model FOLDER] [--images FOLDER] [--brain-url URL --brain-model NAME | --ollama MODEL | --chat-model FOLDER]
// [--demo]
Arguments arguments;
VisionImages images;
IChatClient? brain;
try
{
    arguments = new Arguments(args, [], ["--chat-model", "--images", .. Brain.Names]);
    brain = Brain.Create(arguments);
    // The brain chooses which images are looked at: registered ones, and files of one folder if the user names it.
    images = arguments["--images"] is { } folder ? new VisionImages(folder) : new VisionImages();
}
catch (Exception e) when (e is ArgumentException or DirectoryNotFoundException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

Console.WriteLine(arguments.Note);
var builder = Kernel.CreateBuilder();
builder.AddD2PrunerChatClient(arguments.Model, o => o.DefaultMaxOutputTokens = 128, serviceId: "eyes");
builder.Plugins.AddVision(images, "eyes", o => o.IncludeDetailedErrors = true);
if (brain is null && arguments["--chat-model"] is { } chatModel)
{
    // In this process: a model with a tool-calling template, e.g. Qwen2.5-VL.
    builder.AddD2PrunerChatClient(chatModel, serviceId: "brain");
}
else
{
    if (brain is null) Console.WriteLine(RuleBrain.Note);
    builder.Services.AddKeyedSingleton("brain", (brain ?? new RuleBrain()).AsBuilder().UseKernelFunctionInvocation().Build());
}

builder.Services.AddSingleton<IFunctionInvocationFilter>(new CallPrinter());
var kernel = builder.Build();
await using var services = (ServiceProvider)kernel.Services;

foreach (var name in new[] { "shapes", "changed" }) images.Add(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "images",
    $"{name}.png")), name);
var agent = new Agent(kernel, images);
string[] script =
[
    "How many circles are in shapes?", "Where is the blue square?", "Find the triangle, the star in shapes", "Compare shapes and changed.",
    "Describe the image secret.png", "/quit",
];
var lines = new Queue<string>(script);
Console.WriteLine("Ask about the images 'shapes' and 'changed'; /image PATH adds one, /quit ends.");
while (true)
{
    Console.Write("> ");
    var line = arguments.Demo ? lines.Dequeue() : Console.ReadLine()?.Trim();
    if (arguments.Demo) Console.WriteLine(line);
    if (line is null || !await agent.HandleAsync(line)) break;
}

return arguments.Demo && agent.Failures > 0 ? 1 : 0;
