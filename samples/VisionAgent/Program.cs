using D2Pruner.AI;
using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.VisionAgent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

// A chat model that cannot see, with functions that can. Usage: VisionAgent [--model FOLDER] [--chat-model FOLDER] [--images FOLDER] [--demo]
SampleArguments arguments;
VisionImages images;
try
{
    arguments = new SampleArguments(args, "--model", "--chat-model", "--images");
    // The chat model chooses which pictures are looked at: registered ones, and files of one folder if the user names it.
    images = arguments["--images"] is { } folder ? new VisionImages(folder) : new VisionImages();
}
catch (Exception e) when (e is ArgumentException or DirectoryNotFoundException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

Console.WriteLine(arguments.Note);
var builder = Kernel.CreateBuilder();
builder.AddD2PrunerChatClient(arguments.Model, o => o.DefaultMaxOutputTokens = 128, serviceId: "vision");
builder.Plugins.AddVision(images, "vision");
if (arguments["--chat-model"] is { } chatModel)
{
    // A model with a tool-calling template, e.g. Qwen2.5-VL.
    builder.AddD2PrunerChatClient(chatModel, serviceId: "chat");
}
else
{
    Console.WriteLine("Chat model: rules on keywords, standing in for a language model; name one that calls tools with --chat-model FOLDER.");
    builder.Services.AddKeyedSingleton<IChatClient>("chat", (_, _) => new KeywordChatModel(images).AsBuilder().UseKernelFunctionInvocation().Build());
}

var printer = new CallPrinter();
builder.Services.AddSingleton<IFunctionInvocationFilter>(printer);
var kernel = builder.Build();
await using var services = (ServiceProvider)kernel.Services;

images.Add(SamplePictures.Shapes(), "shapes");
images.Add(SamplePictures.Changed(), "changed");
var agent = new Agent(kernel, images);
IEnumerable<string>? script = arguments.Demo
    ? ["What colour is the circle in shapes?", "Where is the blue square in shapes?", "Compare shapes and changed.", "Describe the picture secret.png", "/quit"]
    : null;
Console.WriteLine("Ask about the pictures 'shapes' and 'changed'; /image PATH adds one, /quit ends.");
var lines = new LineReader("> ", script);
while (lines.Read() is { } line && await agent.HandleAsync(line)) { }
return arguments.Demo && agent.Failures + printer.Failures > 0 ? 1 : 0;
