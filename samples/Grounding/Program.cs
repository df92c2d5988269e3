using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Samples;
using D2Pruner.AI.Samples.Grounding;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

// Finds things in a picture and draws them. Usage: Grounding [--model FOLDER] [--image PICTURE] [--out PNG] [--demo]
Arguments arguments;
byte[] picture;
try
{
    arguments = new Arguments(args, [], "--image", "--out");
    picture = File.ReadAllBytes(arguments["--image"] ?? Path.Combine(AppContext.BaseDirectory, "images", "shapes.png"));
    ImageDecoder.Decode(picture); // a broken file is told at once
}
catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException or ImageDecodeException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

Console.WriteLine(arguments.Note);
var services = new ServiceCollection();
services.AddD2PrunerChatClient(arguments.Model, o =>
{
    o.DefaultMaxOutputTokens = 96;
    // The demo model has learnt the form of its answer and knows no schemas; others fill in a form better when they have seen it.
    o.DescribeResponseFormat = arguments["--model"] is not null;
});
await using var provider = services.BuildServiceProvider();
var finder = new Finder(provider.GetRequiredService<IChatClient>(), picture);

var output = arguments["--out"] ?? Path.Combine("out", "grounding.png");
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
var lines = new LineReader("Find what? > ", arguments.Demo ? ["the red circle, the blue square", "typed the yellow triangle", ""] : null);
Console.WriteLine("Name things, separated by commas; 'typed' before them asks for an object instead of text; an empty line ends.");
while (lines.Read() is { Length: > 0 } line)
{
    try
    {
        var typed = line.StartsWith("typed ", StringComparison.OrdinalIgnoreCase);
        foreach (var thing in (typed ? line[6..] : line).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            await (typed ? finder.FindTypedAsync(thing) : finder.FindAsync(thing));
    }
    catch (Exception e) when (e is ArgumentException or InvalidOperationException or NotSupportedException && !arguments.Demo)
    {
        Console.WriteLine(e.Message);
        continue;
    }

    File.WriteAllBytes(output, finder.Draw());
    Console.WriteLine($"Drawn: {output}");
}

return 0;
