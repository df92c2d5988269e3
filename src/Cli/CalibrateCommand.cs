using System.CommandLine;
using System.Globalization;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner calibrate</c>: makes the positional prior of a model from a folder of images.</summary>
internal static class CalibrateCommand
{
    private const string StateEnding = ".partial";
    private static readonly int[] PresetLayers = [2, 5];
    private static readonly Option<string> Model =
        new("--model", "-m") { Description = "Model folder, or a Hub id in the local Hugging Face cache.", Required = true };
    private static readonly Option<DirectoryInfo> Images =
        new("--images") { Description = "Folder of images (sub-folders too); one to two thousand varied ones are good.", Required = true };
    private static readonly Option<string?> Layers =
        new("--layers") { Description = "Values of K, separated by commas. Default: 2,5, which the presets use (at most the model's " +
            "layers - 1)." };
    private static readonly Option<FileInfo?> Out =
        new("--out") { Description = $"File to write. Default: {ModelLoader.PriorFileName} in the model folder, where it is found " +
            "by itself." };
    private static readonly Option<bool> Force =
        new("--force") { Description = "Replace a better prior (the old file is kept as .bak), and write one whose split-half " +
            "correlation is low." };
    private static readonly Option<int?> Limit = new("--limit") { Description = "Use at most this many images." };
    private static readonly ModelFlags Loading = new();

    public static Command Create()
    {
        var command = new Command(
            "calibrate", "Averages the attention that each position gets over many images (the prior that D²Pruner divides by). An " +
            "interrupted run goes on where it stopped. A prior belongs to the weights' precision: that of --quantization Int8 or Int4 " +
            "lies in a file of its own.") { Model, Images, Layers, Out, Force, Limit };
        Loading.AddTo(command);
        command.SetAction((parse, ct) => Failure.GuardWork(() => Run(parse, ct)));
        return command;
    }

    internal static int[] ParseLayers(string? text, int modelLayers)
    {
        if (text is null) return [.. PresetLayers.Select(k => Math.Min(k, modelLayers - 1)).Distinct()];
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        if (parts.Length == 0 || parts.Any(p => !int.TryParse(p, out var k) || k < 1))
            throw new ArgumentException($"--layers is '{text}'; expected whole numbers of at least 1 such as 2,5.");
        return [.. parts.Select(int.Parse).Distinct().Order()];
    }

    private static void Run(ParseResult parse, CancellationToken cancellationToken)
    {
        if (parse.GetValue(Limit) is < 1) throw new ArgumentException("--limit must be at least 1.");
        var images = Calibrator.FindImages(parse.GetValue(Images)!.FullName);
        if (parse.GetValue(Limit) is { } limit) images = [.. images.Take(limit)];
        var options = Loading.Options(parse, parse.GetValue(Model));
        using var model = ModelLoader.LoadModel(options, withPrior: false, cancellationToken: cancellationToken);
        var target = parse.GetValue(Out)?.FullName ?? ModelLoader.PriorPath(model.Info.Folder, options.Quantization);
        var layers = ParseLayers(parse.GetValue(Layers), model.Info.DecoderLayers);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var force = parse.GetValue(Force);
        PriorTarget.Check(target, model.Info.Fingerprint, images.Count, layers, force);
        var settings = new CalibrationOptions { Layers = layers, StatePath = target + StateEnding };
        Console.Error.WriteLine($"{model.Info.Id}: K = {string.Join(", ", layers)} over {images.Count} image(s).");
        var progress = new ConsoleProgress();
        var result = Calibrator.Run(model, images, settings, progress, cancellationToken);
        if (result.Prior.SplitHalfCorrelation is { } correlation && correlation < PriorFile.LowCorrelation && !force)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture,
                $"The prior's split-half correlation is {correlation:F2}, below {PriorFile.LowCorrelation}: half of the images " +
                $"disagree with the other half, and it was not written. Use more images, or --force. What was counted is kept in " +
                $"'{settings.StatePath}'."));
        }

        if (PriorTarget.Write(result.Prior, target) is { } kept) Console.WriteLine($"The prior before it is kept: {kept}");
        File.Delete(settings.StatePath!);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("map", "grid", "split-half correlation");
        foreach (var (key, map) in result.Prior.Maps.OrderBy(m => m.Key))
        {
            var r = result.SplitHalf[key];
            table.AddRow($"K{key.Layer}.{key.Component}", $"{map.Rows}x{map.Columns}", double.IsNaN(r)
                ? "- (needs two images)" : $"{r:F4}");
        }

        Output.Write(table);
        if (result.Prior.SplitHalfCorrelation is < 0.9)
            Console.WriteLine("A correlation below 0.9 means that the prior is still noisy: use more images.");
        foreach (var s in result.Skipped) Console.WriteLine($"skipped {s}");
        Console.WriteLine($"Written: {target} ({result.Prior.ImageCount} images).");
    }

    // Lines, not a bar: the same in a terminal and in a log file.
    private sealed class ConsoleProgress : IProgress<CalibrationProgress>
    {
        private readonly System.Diagnostics.Stopwatch _watch = System.Diagnostics.Stopwatch.StartNew();
        private TimeSpan _next = TimeSpan.Zero;

        public void Report(CalibrationProgress p)
        {
            if (p.Problem is not null) Console.Error.WriteLine($"image {p.Done} skipped: {p.Problem}");
            if (_watch.Elapsed < _next && p.Done < p.Total) return;
            _next = _watch.Elapsed + TimeSpan.FromSeconds(2);
            var fresh = p.Done - p.Resumed;
            var left = fresh > 0 ? _watch.Elapsed / fresh * (p.Total - p.Done) : TimeSpan.Zero;
            Console.Error.WriteLine($"{p.Done}/{p.Total} images{(p.Resumed > 0 ? $" ({p.Resumed} from an earlier run)" : "")}, " +
                $"{left:hh\\:mm\\:ss} left");
        }
    }
}
