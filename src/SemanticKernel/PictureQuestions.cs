using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using TextContent = Microsoft.Extensions.AI.TextContent;

namespace D2Pruner.AI.SemanticKernel;

/// <summary>What the plugin's functions do, without Semantic Kernel: pictures and a question to the client, its answer to JSON.</summary>
internal sealed class PictureQuestions(IChatClient client, VisionImages images, VisionPluginOptions options)
{
    public Task<string> DescribeAsync(string image, string focus, CancellationToken cancellationToken) =>
        AskAsync(image, string.IsNullOrWhiteSpace(focus) ? options.DescribePrompt : $"{options.DescribePrompt} Pay attention to: {focus.Trim()}", cancellationToken);

    public Task<string> AskAsync(string image, string question, CancellationToken cancellationToken) => Guarded(async () =>
    {
        if (string.IsNullOrWhiteSpace(question)) return new VisionAnswer { Error = "The question is empty." };
        var picture = await ReadAsync(image, cancellationToken).ConfigureAwait(false);
        var response = await SendAsync([picture, new TextContent(question)], new ChatOptions(), cancellationToken).ConfigureAwait(false);
        return new VisionAnswer { Image = image, Answer = response.Text.Trim() };
    });

    public Task<string> CompareAsync(string first, string second, string question, CancellationToken cancellationToken) => Guarded(async () =>
    {
        var (a, b) = (await ReadAsync(first, cancellationToken).ConfigureAwait(false), await ReadAsync(second, cancellationToken).ConfigureAwait(false));
        var text = string.IsNullOrWhiteSpace(question) ? options.ComparePrompt : question;
        var response = await SendAsync([a, b, new TextContent(text)], new ChatOptions(), cancellationToken).ConfigureAwait(false);
        return new VisionAnswer { Images = [first, second], Answer = response.Text.Trim() };
    });

    public Task<string> LocateAsync(string image, string objects, CancellationToken cancellationToken) => Guarded(async () =>
    {
        string[] wanted = [.. (objects ?? "").Split([',', ';', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct()];
        if (wanted.Length == 0) return new VisionAnswer { Error = "Nothing to find was named." };
        if (wanted.Length > options.MaxObjects) return new VisionAnswer { Error = $"{wanted.Length} things were named; at most {options.MaxObjects} are looked for in one call." };

        var picture = await ReadAsync(image, cancellationToken).ConfigureAwait(false);
        var (width, height) = ((int?)null, (int?)null);
        var (found, missing) = (new List<LocatedObject>(), new List<string>());
        // One request a thing: models are trained to answer one phrase with one box, and the label is then certain.
        foreach (var thing in wanted)
        {
            var question = options.LocatePrompt.Replace("{0}", thing, StringComparison.Ordinal);
            var response = await SendAsync([picture, new TextContent(question)], new ChatOptions().WithPruning(PruningPreset.Localization), cancellationToken).ConfigureAwait(false);
            if (response.GetPruningReport()?.Images is [var seen, ..]) (width, height) = (seen.Width, seen.Height);
            var regions = response.GetGroundings();
            if (regions.Count == 0) missing.Add(thing);
            found.AddRange(regions.Select(r => Located(r.Label ?? thing, r.Box, width, height)));
        }

        return new VisionAnswer { Image = image, Width = width, Height = height, Objects = found, NotFound = missing.Count == 0 ? null : missing };
    });

    private static LocatedObject Located(string label, BoundingBox box, int? width, int? height)
    {
        var pixels = width is { } w && height is { } h ? box.ToPixels(w, h) : (System.Drawing.Rectangle?)null;
        return new LocatedObject
        {
            Label = label,
            Box = [Short(box.Left), Short(box.Top), Short(box.Right), Short(box.Bottom)],
            Pixels = pixels is { } p ? [p.Left, p.Top, p.Right, p.Bottom] : null,
        };

        static double Short(float value) => Math.Round(value, 3);
    }

    private async Task<DataContent> ReadAsync(string image, CancellationToken cancellationToken)
    {
        var bytes = await images.ReadAsync(image, cancellationToken).ConfigureAwait(false);
        return new DataContent(bytes, PictureFormat.MediaType(bytes.Span)!);
    }

    private Task<ChatResponse> SendAsync(List<AIContent> contents, ChatOptions chatOptions, CancellationToken cancellationToken)
    {
        chatOptions.MaxOutputTokens = options.MaxOutputTokens;
        return client.GetResponseAsync([new ChatMessage(ChatRole.User, contents)], chatOptions, cancellationToken);
    }

    // What the calling model can do something about is told to it; everything else is the application's.
    private static async Task<string> Guarded(Func<Task<VisionAnswer>> ask)
    {
        try
        {
            return (await ask().ConfigureAwait(false)).ToJson();
        }
        catch (Exception e) when (e is ImageAccessDeniedException or ImageDecodeException)
        {
            return new VisionAnswer { Error = e.Message }.ToJson();
        }
    }
}
