using D2Pruner.AI.Runtime.Overlays;
using System.CommandLine;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using Microsoft.Extensions.AI;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner ask</c>: a question about pictures, a streamed answer, and what pruning did.</summary>
internal static class AskCommand
{
    /// <summary>Key of <see cref="ChatOptions.AdditionalProperties"/> that makes a report carry the scores which heat maps need.</summary>
    internal const string IncludeScores = "d2pruner.include_scores";

    private static readonly Option<string> Model = new("--model", "-m") { Description = "Model folder, or a Hub id in the local Hugging Face cache.", Required = true };
    private static readonly Option<FileInfo[]> Image = new("--image", "-i") { Description = "Picture; may be given several times.", AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string> Prompt = new("--prompt", "-p") { Description = "The question.", Required = true };
    private static readonly PruningFlags Pruning = new();
    private static readonly Option<bool> NoPrune = new("--no-prune") { Description = "Prune nothing." };
    private static readonly Option<int> MaxTokens = new("--max-tokens") { Description = "Longest answer in tokens.", DefaultValueFactory = _ => 256 };
    private static readonly Option<string> Device = new("--device") { Description = "auto, cpu, cuda or cuda:N.", DefaultValueFactory = _ => "auto" };
    private static readonly Option<ModelPrecision> Precision = new("--precision") { Description = "Auto, Float32, Float16 or BFloat16.", DefaultValueFactory = _ => ModelPrecision.Auto };
    private static readonly Option<FileInfo?> Overlay = new("--overlay") { Description = "Draw what was kept of the first picture, and why, to this PNG." };
    private static readonly Option<bool> Compare = new("--compare") { Description = "Also answer without pruning, and show both answers, times and KV bytes." };
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead (shape: docs/cli.md)." };

    private static readonly Option<ModelQuantization> Quantization = new("--quantization") { Description = "Round the decoder's weights while they load: None, Int8 or Int4.", DefaultValueFactory = _ => ModelQuantization.None };

    public static Command Create()
    {
        var command = new Command("ask", "Asks a model a question about pictures.") { Model, Image, Prompt, NoPrune, MaxTokens, Device, Precision, Quantization, Overlay, Compare, Json };
        Pruning.AddTo(command);
        command.SetAction((parse, ct) => Failure.Guard(() => Run(parse, ct)));
        return command;
    }

    private static async Task Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var json = parse.GetValue(Json);
        List<AIContent> contents = [];
        foreach (var file in parse.GetValue(Image) ?? []) contents.Add(new DataContent(await RegularFile.ReadAllBytesAsync(file.FullName, ImageLimits.Default.MaxBytes, cancellationToken), "application/octet-stream"));
        contents.Add(new TextContent(parse.GetValue(Prompt)));
        var options = new VisionModelOptions { ModelPath = parse.GetValue(Model), Device = parse.GetValue(Device)!, Precision = parse.GetValue(Precision), Quantization = parse.GetValue(Quantization) };
        await using var engine = await LoadAsync(options, quiet: json, cancellationToken);
        using var client = new D2PrunerChatClient(engine);
        var request = Request(parse, parse.GetValue(NoPrune) ? PruningPreset.None : Pruning.Preset(parse));
        request.WithPruning(Pruning.Overrides(parse));
        var message = new ChatMessage(ChatRole.User, contents);
        var plain = parse.GetValue(Compare) ? await AnswerAsync(client, message, Request(parse, PruningPreset.None), json ? null : "Without pruning:", cancellationToken) : null;
        var response = await AnswerAsync(client, message, request, json ? null : plain is null ? "" : "With pruning:", cancellationToken);
        var report = response.GetPruningReport()!;
        if (json) Console.WriteLine(AnswerJson.Of(response, report, plain));
        else if (plain is not null) AnswerTable.WriteComparison(plain, response);
        else AnswerTable.Write(response, report);
        if (parse.GetValue(Overlay) is { } png)
        {
            if (report.Images.Count == 0) throw new ArgumentException("--overlay needs a picture; give one with --image.");
            var prefill = ((GenerationResult)response.RawRepresentation!).Prefill;
            var picture = ImageDecoder.Decode(((DataContent)contents[0]).Data);
            await File.WriteAllBytesAsync(png.FullName, PruningPanels.Render(picture, prefill.Images[0], prefill), cancellationToken);
        }
    }

    private static ChatOptions Request(ParseResult parse, PruningPreset preset)
    {
        var options = new ChatOptions { MaxOutputTokens = parse.GetValue(MaxTokens) };
        if (parse.GetValue(Overlay) is not null) options.AdditionalProperties = new() { [IncludeScores] = true };
        return options.WithPruning(preset);
    }

    private static async Task<ChatResponse> AnswerAsync(D2PrunerChatClient client, ChatMessage message, ChatOptions options, string? title, CancellationToken cancellationToken)
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

    internal static async Task<VisionLanguageEngine> LoadAsync(VisionModelOptions options, bool quiet, CancellationToken cancellationToken)
    {
        if (quiet || !AnsiConsole.Profile.Capabilities.Interactive) return await VisionLanguageEngine.LoadAsync(options, null, null, cancellationToken);
        return await AnsiConsole.Progress().HideCompleted(true).AutoClear(true).StartAsync(async context =>
        {
            var task = context.AddTask("Loading");
            var progress = new Progress<ModelLoadProgress>(p => (task.Description, task.Value) = (p.Stage, 100 * p.Fraction));
            return await VisionLanguageEngine.LoadAsync(options, progress, null, cancellationToken);
        });
    }
}
