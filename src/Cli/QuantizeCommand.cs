using System.CommandLine;
using System.Diagnostics;
using D2Pruner.AI.Runtime.Calibration;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner quantize</c>: writes a model with the decoder's weights in 8 or 4 bits.</summary>
internal static class QuantizeCommand
{
    private static readonly Argument<string> Model =
        new("MODEL") { Description = "Model folder, or a Hub id in the local Hugging Face cache; its weights are 16 or 32 bit." };
    private static readonly Argument<DirectoryInfo> Out = new("OUT") { Description = "Folder to write; new or empty." };
    private static readonly Option<int> Bits =
        new("--bits") { Description = "8 (a scale for each row) or 4 (in groups).", Required = true };
    private static readonly Option<int?> Group =
        new("--group") { Description = "Columns that share a scale: a multiple of 16. Default: 128 with 4 bits, whole rows with 8." };
    private static readonly Option<bool> Asymmetric =
        new("--asymmetric") { Description = "With zero points: a little more exact, a little more to read." };
    private static readonly Option<DirectoryInfo?> Images =
        new("--images") { Description = "Folder of images to calibrate on: rounding then makes up for its own errors. Without it: to " +
            "nearest." };
    private static readonly Option<int> Limit =
        new("--limit") { Description = "Use at most this many images.", DefaultValueFactory = _ => 128 };
    private static readonly Option<string[]> Prompts =
        new("--prompt") { Description = "Question asked about the images; may be given several times. Default: three general ones.",
            DefaultValueFactory = _ => [] };

    public static Command Create()
    {
        var command = new Command(
            "quantize", "Rounds the decoder's weights to 8 or 4 bits and writes a folder in compressed-tensors' pack-quantized form. " +
            "Embeddings, norms, the head and the tower stay as they are.")
        {
            Model, Out, Bits, Group, Asymmetric, Images, Limit, Prompts,
        };
        command.SetAction((parse, ct) => Failure.GuardWork(() => Run(parse, ct)));
        return command;
    }

    private static void Run(ParseResult parse, CancellationToken cancellationToken)
    {
        if (parse.GetValue(Limit) < 1) throw new ArgumentException("--limit must be at least 1.");
        var options = new QuantizeOptions { Bits = parse.GetValue(Bits), Group = parse.GetValue(Group),
            Asymmetric = parse.GetValue(Asymmetric) };
        if (parse.GetValue(Images) is { } images)
            options = options with { CalibrationImages = [.. Calibrator.FindImages(images.FullName).Take(parse.GetValue(Limit))] };
        if (parse.GetValue(Prompts) is { Length: > 0 } prompts) options = options with { CalibrationPrompts = prompts };
        var target = parse.GetValue(Out)!.FullName;
        if (options.CalibrationImages.Count > 0)
            Console.Error.WriteLine($"Reading {options.CalibrationImages.Count} image(s) with the 16-bit model.");
        var watch = Stopwatch.StartNew();
        var next = TimeSpan.Zero;
        ModelQuantizer.Write(parse.GetValue(Model)!, target, options, new Lines(p =>
        {
            if (watch.Elapsed < next && p.Done < p.Total) return;
            next = watch.Elapsed + TimeSpan.FromSeconds(2);
            Console.Error.WriteLine($"{p.Done / 1e6:N0} of {p.Total / 1e6:N0} MB written");
        }), cancellationToken);
        Console.WriteLine($"Written: {target}. A prior belongs to a precision: d2pruner calibrate --model \"{target}\" --images " +
            "FOLDER_OF_PICTURES");
    }

    // Not Progress<T>, which reports later and on other threads.
    private sealed class Lines(Action<(long Done, long Total)> report) : IProgress<(long Done, long Total)>
    {
        public void Report((long Done, long Total) value) => report(value);
    }
}
