using D2Pruner.AI;
using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.AgentFramework;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

// Microsoft Agent Framework: an agent that sees, an agent whose brain is another model, and a workflow that zooms.
// Usage: AgentFramework [--model FOLDER] [--image FILE] [--brain-url URL --brain-model NAME | --ollama MODEL] [--demo]
Arguments arguments;
IChatClient? brain;
byte[] image;
try
{
    arguments = new Arguments(args, [], ["--image", .. Brain.Names]);
    brain = Brain.Create(arguments);
    image = File.ReadAllBytes(arguments["--image"] ?? Sample("shapes.png"));
}
catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

Console.WriteLine(arguments.Note);
if (brain is null) Console.WriteLine(RuleBrain.Note);
var services = new ServiceCollection();
services.AddD2PrunerChatClient(arguments.Model, o =>
{
    o.DefaultMaxOutputTokens = 128;
    // The demo model has learnt the form of its answer and knows no schemas; others fill in a form better when they have seen it.
    o.DescribeResponseFormat = arguments.Has("--model");
});
services.AddD2PrunerVisionTools(o => o.IncludeDetailedErrors = true);
await using var provider = services.BuildServiceProvider();
var eyes = provider.GetRequiredService<IChatClient>();
var thinking = new ThinkingAgent(brain ?? new RuleBrain(), provider.GetRequiredService<VisionTools>());
if (!arguments.Demo)
{
    await thinking.TalkAsync(image);
    return 0;
}

Console.WriteLine("\n1. An agent over the vision model: images in the conversation, streaming, a session, an object as answer.");
await new LookingAgent(eyes).RunAsync(image);
Console.WriteLine("\n2. An agent with another brain: the vision tools are its eyes.");
await thinking.RunAsync(image, "How many circles are there?", "Where is the blue square?", "Find the triangle, the star");
Console.WriteLine("\n3. A workflow: locate in the pruned image, crop, ask about the crop at full budget.");
await new ZoomWorkflow(eyes).RunAsync(new ZoomQuestion(File.ReadAllBytes(Sample("wide.png")), "the cross", "What colour is the cross?"));
return 0;

static string Sample(string name) => Path.Combine(AppContext.BaseDirectory, "images", name);
