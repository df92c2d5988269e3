using System.Globalization;
using D2Pruner.AI.Pruning;
using Microsoft.Agents.AI.Workflows;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Samples.AgentFramework;

/// <summary>A small thing in a large image: it is located in the pruned image, which is cheap, and looked at again in a crop, of which
/// nothing is pruned.</summary>
internal sealed class ZoomWorkflow
{
    private readonly IChatClient eyes;
    private readonly Workflow workflow;

    public ZoomWorkflow(IChatClient eyes)
    {
        this.eyes = eyes;
        Func<ZoomQuestion, CancellationToken, ValueTask<LocatedThing>> locate = LocateAsync;
        Func<LocatedThing, Close> crop = Crop;
        Func<Close, CancellationToken, ValueTask<string>> ask = AskAsync;
        var (first, second, third) = (locate.BindAsExecutor("locate"), crop.BindAsExecutor("crop"), ask.BindAsExecutor("ask"));
        workflow = new WorkflowBuilder(first).AddEdge(first, second).AddEdge(second, third).WithOutputFrom(third).Build();
    }

    public async Task RunAsync(ZoomQuestion question)
    {
        Console.WriteLine($"> {question.Question}");
        Console.WriteLine("  at one look, pruned: " +
            $"{await LookAsync(question.Image, question.Question, new ChatOptions().WithPruning(PruningPreset.Understanding))}");
        await using var run = await InProcessExecution.RunAsync(workflow, question);
        foreach (var e in run.OutgoingEvents)
        {
            switch (e)
            {
                case ExecutorFailedEvent failed:
                    throw new InvalidOperationException($"The step '{failed.ExecutorId}' failed.", failed.Data as Exception);
                case ExecutorCompletedEvent done:
                    Console.WriteLine($"  {done.ExecutorId}: {done.Data}");
                    break;
                case WorkflowOutputEvent output:
                    Console.WriteLine($"  answer: {output.As<string>()}");
                    break;
            }
        }
    }

    private async ValueTask<LocatedThing> LocateAsync(ZoomQuestion question, CancellationToken cancellationToken)
    {
        var prompt = $"Please provide the bounding box coordinate of the region this sentence describes: {question.Thing}";
        var message = new ChatMessage(ChatRole.User, [new DataContent(question.Image, "image/png"), new TextContent(prompt)]);
        var response = await eyes.GetResponseAsync([message], new ChatOptions().WithPruning(PruningPreset.Localization), cancellationToken);
        return new LocatedThing(question, response.GetGroundings() is [var region, ..] ? region.Box : null);
    }

    // What is not found is asked about the whole image.
    private static Close Crop(LocatedThing found) => new(found.Asked, found.Box is { } box ? ImageCrop.Around(found.Asked.Image, box)
        : found.Asked.Image);

    private async ValueTask<string> AskAsync(Close close, CancellationToken cancellationToken) =>
        await LookAsync(close.Image, close.Asked.Question, new ChatOptions().WithoutPruning(), cancellationToken);

    private async Task<string> LookAsync(byte[] image, string question, ChatOptions options, CancellationToken cancellationToken = default)
    {
        var message = new ChatMessage(ChatRole.User, [new DataContent(image, "image/png"), new TextContent(question)]);
        return (await eyes.GetResponseAsync([message], options, cancellationToken)).Text.Trim();
    }
}

/// <summary>What the workflow is asked.</summary>
internal sealed record ZoomQuestion(byte[] Image, string Thing, string Question);

/// <summary>Where the thing is, or null.</summary>
internal sealed record LocatedThing(ZoomQuestion Asked, BoundingBox? Box)
{
    public override string ToString() => Box is { } b
        ? string.Create(CultureInfo.InvariantCulture, $"{Asked.Thing} at [{b.Left:0.00}, {b.Top:0.00}, {b.Right:0.00}, {b.Bottom:0.00}]")
        : $"{Asked.Thing} was not found";
}

/// <summary>The part of the image around it.</summary>
internal sealed record Close(ZoomQuestion Asked, byte[] Image)
{
    public override string ToString() => Image == Asked.Image ? "the whole image" : $"a part of {Image.Length} bytes, as PNG";
}
