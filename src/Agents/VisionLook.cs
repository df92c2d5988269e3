using D2Pruner.AI.Pruning;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI;

/// <summary>What the tools do: images and a question to the client, its answer to a result. One object a call.</summary>
internal sealed class VisionLook(IChatClient client, IImageSource images, VisionToolOptions options,
    IProgress<VisionToolProgress>? progress)
{
    // Often enough to show life, and to keep a caller's time limit from passing; far below what a token costs.
    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(250);
    private int steps;

    public Task<VisionLookResult> DescribeAsync(string image, string focus, CancellationToken cancellationToken) =>
        AskAsync(image, Blank(focus) ? options.DescribePrompt : $"{options.DescribePrompt} Pay attention to: {focus.Trim()}",
            cancellationToken);

    public async Task<VisionLookResult> AskAsync(string image, string question, CancellationToken cancellationToken)
    {
        if (Blank(question)) throw new ArgumentException("The question is empty.");
        // No preset is named: the client picks it from the question, which therefore is the user's own.
        var (data, response) = await LookAsync([image], question, null, "Looking", cancellationToken).ConfigureAwait(false);
        var (width, height) = Size(response);
        var regions = response.GetGroundings();
        var answer = new VisionAnswer
        {
            Image = image,
            Answer = response.Text.Trim(),
            Width = regions.Count > 0 ? width : null,
            Height = regions.Count > 0 ? height : null,
            Objects = regions.Count == 0 ? null : [.. regions.Select(r => LocatedObject.Of(r.Label, r.Box, width, height))],
        };
        return new VisionLookResult(answer, data[0].Data, regions);
    }

    public async Task<VisionLookResult> ReadTextAsync(string image, string where, CancellationToken cancellationToken)
    {
        var question = Blank(where) ? options.ReadPrompt : $"{options.ReadPrompt} Only this: {where.Trim()}";
        var (data, response) = await LookAsync([image], question, null, "Reading", cancellationToken).ConfigureAwait(false);
        return new VisionLookResult(new VisionAnswer { Image = image, Text = response.Text.Trim() }, data[0].Data, []);
    }

    public async Task<VisionLookResult> CompareAsync(string first, string second, string question, CancellationToken cancellationToken)
    {
        var (data, response) = await LookAsync([first, second], Blank(question) ? options.ComparePrompt : question, null, "Comparing",
            cancellationToken).ConfigureAwait(false);
        return new VisionLookResult(new VisionAnswer { Images = [first, second], Answer = response.Text.Trim() }, data[0].Data, []);
    }

    public async Task<VisionLookResult> LocateAsync(string image, string objects, CancellationToken cancellationToken)
    {
        string[] wanted = [.. objects.Split([',', ';', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Distinct()];
        if (wanted.Length == 0) throw new ArgumentException("Nothing to find was named.");
        if (wanted.Length > options.MaxObjects)
            throw new ArgumentException($"{wanted.Length} things were named; at most {options.MaxObjects} are looked for in one call.");

        var data = await ReadAsync([image], cancellationToken).ConfigureAwait(false);
        var prompt = options.LocatePrompt ?? LocatePrompts.Of(await FamilyAsync(cancellationToken).ConfigureAwait(false));
        var (width, height) = ((int?)null, (int?)null);
        var (found, missing) = (new List<GroundedRegion>(), new List<string>());
        // One request a thing: models are trained to answer one phrase with one box, and the label is then certain.
        for (var i = 0; i < wanted.Length; i++)
        {
            var what = wanted.Length == 1 ? "Looking" : $"Looking ({i + 1} of {wanted.Length})";
            var response = await SendAsync(data, prompt.Replace("{0}", wanted[i], StringComparison.Ordinal), PruningPreset.Localization,
                what, cancellationToken).ConfigureAwait(false);
            (width, height) = Size(response) is (not null, not null) size ? size : (width, height);
            var regions = response.GetGroundings();
            if (regions.Count == 0) missing.Add(wanted[i]);
            found.AddRange(regions.Select(r => r with { Label = r.Label ?? wanted[i] }));
        }

        var answer = new VisionAnswer
        {
            Image = image,
            Width = width,
            Height = height,
            Objects = [.. found.Select(r => LocatedObject.Of(r.Label, r.Box, width, height))],
            NotFound = missing.Count == 0 ? null : missing,
        };
        return new VisionLookResult(answer, data[0].Data, found);
    }

    private static bool Blank(string? text) => string.IsNullOrWhiteSpace(text);

    private static (int? Width, int? Height) Size(ChatResponse response) => response.GetPruningReport()?.Images is [var seen, ..]
        ? (seen.Width, seen.Height) : (null, null);

    private async Task<(IReadOnlyList<DataContent> Images, ChatResponse Response)> LookAsync(
        IReadOnlyList<string> names, string question, PruningPreset? preset, string what, CancellationToken cancellationToken)
    {
        var data = await ReadAsync(names, cancellationToken).ConfigureAwait(false);
        return (data, await SendAsync(data, question, preset, what, cancellationToken).ConfigureAwait(false));
    }

    private async Task<IReadOnlyList<DataContent>> ReadAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        List<DataContent> data = [];
        foreach (var name in names)
        {
            var bytes = await images.ReadAsync(name, cancellationToken).ConfigureAwait(false);
            data.Add(new DataContent(bytes, VisionImages.MediaType(bytes.Span)!));
        }

        return data;
    }

    // The family is known once the model is loaded; other clients have none.
    private async Task<string?> FamilyAsync(CancellationToken cancellationToken) =>
        client.GetService<D2PrunerChatClient>() is { } own ? (await own.GetModelAsync(cancellationToken).ConfigureAwait(false)).Family
            : null;

    private async Task<ChatResponse> SendAsync(IReadOnlyList<DataContent> data, string question, PruningPreset? preset, string what,
        CancellationToken cancellationToken)
    {
        var chatOptions = new ChatOptions { MaxOutputTokens = options.MaxOutputTokens };
        if (preset is { } named) chatOptions.WithPruning(named);
        var message = new ChatMessage(ChatRole.User, [.. data, new TextContent(question)]);
        Report(what);
        if (progress is null) return await client.GetResponseAsync([message], chatOptions, cancellationToken).ConfigureAwait(false);

        List<ChatResponseUpdate> updates = [];
        var reported = System.Diagnostics.Stopwatch.StartNew();
        await foreach (var update in client.GetStreamingResponseAsync([message], chatOptions, cancellationToken).ConfigureAwait(false))
        {
            updates.Add(update);
            if (reported.Elapsed < ReportEvery) continue;
            Report($"{what}: {updates.Count} pieces of the answer");
            reported.Restart();
        }

        return updates.ToChatResponse();
    }

    private void Report(string message) => progress?.Report(new VisionToolProgress(++steps, message));
}
