using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Samples.AgentFramework;

/// <summary>An agent over our client itself.</summary>
internal sealed class LookingAgent(IChatClient eyes)
{
    private readonly AIAgent agent = eyes.AsAIAgent(name: "eyes");

    public async Task RunAsync(byte[] image)
    {
        var session = await agent.CreateSessionAsync();
        const string first = "What colour is the circle?";
        Console.Write($"> {first}\n  ");
        List<AgentResponseUpdate> updates = [];
        await foreach (var update in agent.RunStreamingAsync(new ChatMessage(ChatRole.User,
            [new DataContent(image, "image/png"), new TextContent(first)]), session))
        {
            updates.Add(update);
            Console.Write(update.Text);
        }

        var report = updates.ToAgentResponse().AsChatResponse().GetPruningReport()!;
        Console.WriteLine($" ({report.VisualTokensKept} of {report.VisualTokens} visual tokens kept)");

        // The session holds the image; it is not sent again.
        const string second = "What shape is the blue thing?";
        Console.WriteLine($"> {second}\n  {(await agent.RunAsync(second, session)).Text}");

        const string third = "Where is the red circle? Answer as JSON.";
        var typed = await agent.RunAsync<Boxes>(new ChatMessage(ChatRole.User,
            [new DataContent(image, "image/png"), new TextContent(third)]));
        var boxes = typed.Result.Items.Select(i => string.Join(", ", i.Box.Select(v => v.ToString("0.00", CultureInfo.InvariantCulture))));
        Console.WriteLine($"> {third}\n  as an object: {string.Join("; ", boxes)}");
    }
}

/// <summary>What a typed answer holds: its schema goes to the model as a constraint.</summary>
internal sealed record Boxes([property: MinLength(1)] Found[] Items);

/// <summary>Left, top, right and bottom side, in the model's own coordinates.</summary>
internal sealed record Found([property: Length(4, 4)] double[] Box);
