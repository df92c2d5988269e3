using System.CommandLine;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using Microsoft.Extensions.AI;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner ask</c>: a question, about images or without, a streamed answer, and what pruning did.</summary>
internal static class AskCommand
{
    /// <summary>Key of <see cref="ChatOptions.AdditionalProperties"/> that makes a report carry the scores which heat maps need.</summary>
    internal const string IncludeScores = "d2pruner.include_scores";

    private static readonly Option<string> Model = CommonOptions.Model();
    private static readonly Option<string[]> Image =
        new("--image", "-i") { Description = $"{ImageInput.Description}; may be given several times. Without one the question is about " +
            "nothing seen.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
    private static readonly Option<bool> AllowUrl = new("--allow-url") { Description = "Allow --image to be an http or https address." };
    private static readonly Option<string?> Prompt =
        new("--prompt", "-p") { Description = "The question. Without it a conversation begins (as d2pruner chat)." };
    private static readonly PruningFlags Pruning = new();
    private static readonly Option<bool> NoPrune = new("--no-prune") { Description = "Prune nothing." };
    private static readonly Option<int> MaxTokens = CommonOptions.MaxTokens();
    private static readonly ModelFlags Loading = new();
    private static readonly Option<FileInfo?> Overlay =
        new("--overlay") { Description = "Draw what was kept of the first image, why, and the answer's boxes, to this PNG." };
    private static readonly Option<bool> Compare =
        new("--compare") { Description = "Also answer without pruning, and show both answers, times and KV bytes; a warm-up goes first, " +
            "and the vision tower runs for both." };
    private static readonly Option<int> Runs =
        new("--runs") { Description = "Answer this many times and show medians of the times.", DefaultValueFactory = _ => 1 };
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead (shape: docs/cli.md)." };

    public static Command Create()
    {
        var command = new Command(
            "ask", "Asks a model a question about images, or without any.") { Model, Image, AllowUrl, Prompt, NoPrune, MaxTokens, Overlay,
            Compare, Runs, Json };
        Loading.AddTo(command);
        Pruning.AddTo(command);
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    /// <summary>Whether the command begins a conversation.</summary>
    internal static bool IsConversation(ParseResult parse) => parse.GetValue(Prompt) is null;

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var (json, compare, runs, overlay) = (parse.GetValue(Json), parse.GetValue(Compare), parse.GetValue(Runs), parse.GetValue(Overlay));
        var sources = parse.GetValue(Image)!;
        if (runs is < 1 or > 1000) throw new ArgumentException($"--runs is {runs}; it must be 1..1000.");
        if (IsConversation(parse) && (json || compare || runs > 1 || overlay is not null))
            throw new ArgumentException(
                "--prompt is missing; a conversation has neither --json nor --compare, --runs or --overlay (but /overlay).");
        if (overlay is not null && sources.Length == 0) throw new ArgumentException("--overlay needs an image; give one with --image.");
        OutputFile.EnsureWritable("--overlay", overlay);
        var overrides = Pruning.Overrides(parse);
        List<DataContent> images = [];
        foreach (var source in sources) images.Add(await ImageInput.ReadAsync(source, parse.GetValue(AllowUrl), cancellationToken));
        var measured = compare || runs > 1;
        var options = Loading.Options(parse, parse.GetValue(Model));
        // Measured answers must all pay for the tower and the whole prompt.
        if (measured) (options.VisionCacheBytes, options.PrefixCacheBytes) = (0, 0);
        await using var engine = await ModelSession.LoadAsync(options, quiet: json, cancellationToken);
        using var client = new D2PrunerChatClient(engine);
        var preset = parse.GetValue(NoPrune) ? PruningPreset.None : Pruning.Preset(parse);
        if (parse.GetValue(Prompt) is not { } prompt)
        {
            await new ChatSession(client, Console.In, Console.Out, preset, overrides, parse.GetValue(MaxTokens), parse.GetValue(AllowUrl))
                .RunAsync(images, cancellationToken);
            return;
        }

        var message = new ChatMessage(ChatRole.User, [.. images, new TextContent(prompt)]);
        if (measured) await engine.WarmUpAsync(cancellationToken);
        var plain = compare ? await RepeatAsync(
            client, message, Request(parse, PruningPreset.None), runs, json ? null : "Without pruning:", cancellationToken) : null;
        var pruned = await RepeatAsync(
            client, message, Request(parse, preset).WithPruning(overrides), runs, json ? null : plain is null ? ""
            : "With pruning:", cancellationToken);
        if (json) Console.WriteLine(AnswerJson.Of(pruned, plain));
        else if (plain is not null) AnswerTable.WriteComparison(plain, pruned);
        else AnswerTable.Write(pruned);
        if (overlay is not null) OverlayFile.Write(overlay, pruned.Response, images[0]);
    }

    private static ChatOptions Request(ParseResult parse, PruningPreset preset)
    {
        var options = new ChatOptions { MaxOutputTokens = parse.GetValue(MaxTokens) };
        if (parse.GetValue(Overlay) is not null) options.AdditionalProperties = new() { [IncludeScores] = true };
        return options.WithPruning(preset);
    }

    private static async Task<Answers> RepeatAsync(
        D2PrunerChatClient client, ChatMessage message, ChatOptions options, int runs, string? title, CancellationToken cancellationToken)
    {
        var responses = new List<ChatResponse>();
        for (var i = 0; i < runs; i++)
        {
            // The text is shown once; the others only give times.
            responses.Add(await AnswerAsync(client, message, options, i == 0 ? title : null, cancellationToken));
        }

        return Answers.Of(responses);
    }

    private static async Task<ChatResponse> AnswerAsync(
        D2PrunerChatClient client, ChatMessage message, ChatOptions options, string? title, CancellationToken cancellationToken)
    {
        List<ChatResponseUpdate> updates = [];
        if (!string.IsNullOrEmpty(title)) Console.WriteLine(title);
        await foreach (var update in client.GetStreamingResponseAsync([message], options, cancellationToken))
        {
            updates.Add(update);
            if (title is not null) Console.Write(update.Text);
        }

        if (!string.IsNullOrEmpty(title)) Console.WriteLine();
        var response = updates.ToChatResponse();
        response.RawRepresentation = updates.Select(u => u.RawRepresentation).OfType<GenerationCompleted>().LastOrDefault()?.Result;
        return response;
    }
}
