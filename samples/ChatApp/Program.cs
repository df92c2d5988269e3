using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.ChatApp;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

// A console chat with pictures. Usage: ChatApp [--model FOLDER] [--demo]
Arguments arguments;
try
{
    arguments = new Arguments(args, []);
}
catch (ArgumentException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

Console.WriteLine(arguments.Note);
var services = new ServiceCollection();
services.AddD2PrunerChatClient(arguments.Model, o => o.DefaultMaxOutputTokens = 256);
await using var provider = services.BuildServiceProvider();
var session = new ChatSession(provider.GetRequiredService<IChatClient>());

// Ctrl+C stops the answer, not the program.
Console.CancelKeyPress += (_, e) => e.Cancel = session.CancelAnswer();

IEnumerable<string>? script = null;
if (arguments.Demo)
{
    var folder = Directory.CreateDirectory("out").FullName;
    foreach (var name in new[] { "shapes.png", "changed.png" })
        File.Copy(Path.Combine(AppContext.BaseDirectory, "images", name), Path.Combine(folder, name), overwrite: true);
    script =
    [
        "/image out/shapes.png", "What colour is the circle?", "How many triangles are there?", "/preset localization",
            "Where is the blue square?",
        "/preset none", "Is the square left or right of the circle?", "/clear", "/preset auto", "/image out/changed.png",
        "Is there a red circle?", "/history", "/quit",
    ];
}

Console.WriteLine("Type a question; /help lists the commands.");
var lines = new LineReader("> ", script);
while (lines.Read() is { } line && await session.HandleAsync(line)) { }
// In the script nothing may go wrong; a person has read what did.
return arguments.Demo && session.Failures > 0 ? 1 : 0;
