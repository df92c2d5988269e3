using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.DemoModel.Evaluation;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;

namespace D2Pruner.AI.DemoModel.Commands;

/// <summary><c>evaluate</c>: accuracies on unseen scenes.</summary>
internal static class EvaluateCommand
{
    private static readonly Option<string> Model = ModelOption();
    private static readonly Option<int> Scenes = new("--scenes") { Description = "Scenes.", DefaultValueFactory = _ => 500 };
    private static readonly Option<long> Seed = new("--seed") { Description = "Seed within the split.", DefaultValueFactory = _ => 1 };
    private static readonly Option<Split> Part =
        new("--split") { Description = "Train, Calibration, Validation or Test.", DefaultValueFactory = _ => Split.Test };
    private static readonly Option<int?> Keep =
        new("--keep") { Description = "Visual tokens to keep; without it and --preset nothing is pruned." };
    private static readonly Option<PruningPreset?> Preset = new("--preset") { Description = "Understanding, Localization or None." };
    private static readonly Option<string?> Method = new("--method") { Description = "d2pruner, fastv, divprune, dart or random." };
    private static readonly Option<int?> Layer = new("--layer") { Description = "K." };
    private static readonly Option<ModelPrecision> Precision = new("--precision") { Description = "Auto, Float32 or BFloat16." };
    private static readonly Option<ModelQuantization> Quantization =
        new("--quantization") { Description = "None, Int8 or Int4: rounds the decoder's weights while they load." };
    private static readonly Option<int> ActivationBits =
        new("--activation-bits") { Description = "16, or 8 over 4-bit weights.", DefaultValueFactory = _ => 16 };
    private static readonly Option<string?> Json = new("--json") { Description = "Write the figures to this file." };
    private static readonly Option<string?> Lines =
        new("--jsonl") { Description = "Write every answer to this file, one JSON object a line." };

    public static Command Create()
    {
        var command = new Command(
            "evaluate", "Greedy answers about unseen scenes, with and without pruning: accuracies with 95% intervals.") { Model, Scenes,
            Seed, Part, Keep, Preset, Method, Layer, Precision, Quantization, ActivationBits, Json, Lines };
        command.SetAction(RunAsync);
        return command;
    }

    /// <summary>The model's folder; the shipped one by itself.</summary>
    internal static Option<string> ModelOption() =>
        new("--model") { Description = "Model folder.", DefaultValueFactory = _ => DefaultModel() };

    private static async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var pruning = Settings(parse);
        await using var engine = await VisionLanguageEngine.LoadAsync(
            new VisionModelOptions { ModelPath = parse.GetValue(Model), Precision = parse.GetValue(Precision),
                Quantization = parse.GetValue(Quantization), ActivationBits = parse.GetValue(ActivationBits) },
            cancellationToken: cancellationToken);
        var (answers, watch, count) = (new List<Scored>(), Stopwatch.StartNew(), parse.GetValue(Scenes));
        await using var lines = parse.GetValue(Lines) is { } path ? new StreamWriter(path) : null;
        for (var i = 0; i < count; i++)
        {
            var (png, questions) = SceneCases.Case(parse.GetValue(Part), (ulong)parse.GetValue(Seed), i);
            foreach (var q in questions)
            {
                var scored = await Evaluator.AskAsync(engine, png, q, pruning, cancellationToken);
                answers.Add(scored);
                if (lines is null) continue;
                await lines.WriteLineAsync(new JsonObject
                {
                    ["scene"] = i, ["task"] = EvaluationReport.Key(q.Task), ["question"] = q.Text, ["expected"] = q.Answer,
                        ["given"] = scored.Given, ["right"] = scored.Right,
                    ["iou"] = q.Box is null ? null : Math.Round(scored.Iou, 4),
                }.ToJsonString(Compact));
            }

            if ((i + 1) % 10 == 0 || i + 1 == count)
            {
                var left = watch.Elapsed / (i + 1) * (count - i - 1);
                Console.Error.WriteLine($"{i + 1}/{count} scenes, {answers.Count} answers, " +
                    $"{100.0 * answers.Count(a => a.Right) / answers.Count:0.0}% right, {left:mm\\:ss} left");
            }
        }

        var report = EvaluationReport.Create(answers);
        report["scenes"] = count;
        report["seed"] = parse.GetValue(Seed);
        report["split"] = parse.GetValue(Part).ToString().ToLowerInvariant();
        report["keep"] = parse.GetValue(Keep);
        report["preset"] = pruning?.Preset.ToString();
        report["method"] = pruning?.Method;
        report["layer"] = pruning?.LayersBeforePruning;
        report["seconds"] = Math.Round(watch.Elapsed.TotalSeconds, 1);
        var text = report.ToJsonString(Indented);
        Console.WriteLine(text);
        if (parse.GetValue(Json) is { } file) await File.WriteAllTextAsync(file, text + "\n", cancellationToken);
        return 0;
    }

    private static PruningSettings? Settings(ParseResult parse)
    {
        var (keep, preset, method) = (parse.GetValue(Keep), parse.GetValue(Preset), parse.GetValue(Method));
        if (preset == PruningPreset.None || keep is null && preset is null && method is null) return null;
        var settings = PruningSettings.FromPreset(preset is null or PruningPreset.Auto ? PruningPreset.Understanding : preset.Value);
        if (keep is { } n) settings = settings with { Budget = TokenBudget.OfTokens(n) };
        if (method is not null) settings = settings with { Method = method };
        return parse.GetValue(Layer) is { } k ? settings with { LayersBeforePruning = k, LayersAreExplicit = true } : settings;
    }

    private static string DefaultModel()
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "demo-llava");
        return Directory.Exists(beside) ? beside : Path.Combine("samples", "DemoModel", "demo-llava");
    }

    private static JsonSerializerOptions Compact { get; } =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true };
}
