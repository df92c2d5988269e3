using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using D2Pruner.AI.Evaluation.Tuning;
using D2Pruner.AI.Runtime.Calibration;
using Spectre.Console;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner tune</c>: what a user's own model and images suggest.</summary>
internal static class TuneCommand
{
    private static readonly Option<string> Model =
        new("--model", "-m") { Description = "Model folder, or a Hub id in the local Hugging Face cache.", Required = true };
    private static readonly Option<DirectoryInfo> Images =
        new("--images") { Description = "Folder of images (sub-folders too) like those that will be asked about.", Required = true };
    private static readonly Option<string> Layer =
        new("--layer", "--layers") { Description = "Values of K to look at, separated by commas.", DefaultValueFactory = _ => "2,3,4,5" };
    private static readonly Option<string> Keep =
        new("--keep") { Description = "Budgets as ratios, separated by commas.", DefaultValueFactory = _ => "0.333,0.111" };
    private static readonly Option<string?> Prompt =
        new("--prompt", "-p") { Description = "The question asked of each image. Default: a generic one." };
    private static readonly Option<int?> Limit = new("--limit") { Description = "Use at most this many images." };
    private static readonly Option<string> Name =
        new("--name") { Description = "Name of the profile.", DefaultValueFactory = _ => "tuned" };
    private static readonly Option<string> Out =
        new("--out", "-o") { Description = "Folder for NAME.profile.json and NAME.attention.png.", DefaultValueFactory = _ => "." };
    private static readonly ModelFlags Loading = new();

    public static Command Create()
    {
        var command = new Command(
            "tune", "Measures a model's similarity graphs and positional bias on your images, suggests K, theta and a rule with what " +
            "that rests on, and writes them as a profile that configuration can point to.")
        {
            Model, Images, Layer, Keep, Prompt, Limit, Name, Out,
        };
        Loading.AddTo(command);
        command.SetAction((parse, ct) => Failure.GuardWork(() => Run(parse, ct)));
        return command;
    }

    private static void Run(ParseResult parse, CancellationToken cancellationToken)
    {
        if (parse.GetValue(Limit) is < 1) throw new ArgumentException("--limit must be at least 1.");
        var images = Calibrator.FindImages(parse.GetValue(Images)!.FullName);
        if (parse.GetValue(Limit) is { } limit) images = [.. images.Take(limit)];
        var options = new TuningOptions
        {
            Model = Loading.Options(parse, parse.GetValue(Model)),
            Images = images,
            Layers = Numbers<int>(parse.GetValue(Layer)!, "--layer",
                s => int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out var k) && k >= 1 ? k : null),
            Ratios = Numbers<double>(
                parse.GetValue(Keep)!, "--keep", s => double.TryParse(s, NumberStyles.Float, CultureInfo.InvariantCulture, out var r)
                && r is > 0 and < 1 ? r : null),
        };
        if (parse.GetValue(Prompt) is { } prompt) options = options with { Prompt = prompt };
        // Before minutes of measuring that could not be written.
        var name = parse.GetValue(Name)!;
        if (name.Length == 0 || name.AsSpan().IndexOfAny('/', '\\', ':') >= 0)
            throw new ArgumentException($"--name is '{name}'; expected a name without /, \\ and :.");
        var folder = Directory.CreateDirectory(parse.GetValue(Out)!).FullName;
        var profile = Path.Combine(folder, $"{name}.profile.json");
        OutputFile.EnsureWritable("--out", new FileInfo(profile));
        var report = ModelTuning.Run(options, new Lines(images.Count), cancellationToken);
        var table = new Table().Border(TableBorder.Rounded).AddColumns("K", "edges", "explained by the mean map", "halves");
        foreach (var r in options.Ratios) table.AddColumn(FormattableString.Invariant($"filled at {r:0.###}"));
        foreach (var l in report.Layers)
            table.AddRow([$"{l.Layer}", Percent(l.EdgeDensity), Percent(l.PriorStrength),
                l.SplitHalf.ToString("0.000", CultureInfo.InvariantCulture), .. l.Fill.Select(Percent)]);
        Output.Write(table);
        foreach (var skipped in report.Skipped) Console.WriteLine($"skipped {skipped}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Suggested: method {report.Method}, K = {report.LayersBeforePruning}, theta " +
            $"{report.Theta}{(report.UniformPrior ? ", no prior" : "")}."));
        foreach (var reason in report.Reasons) Console.WriteLine($"- {reason}");
        TuningFiles.WriteProfile(report, name, profile);
        TuningFiles.DrawMaps(report, Path.Combine(folder, $"{name}.attention.png"));
        Console.WriteLine($"Written: {profile}; bind its section {TuningFiles.Section}:{name} to the client's options.");
    }

    private static string Percent(double value) => double.IsNaN(value) ? "-"
        : (100 * value).ToString("0", CultureInfo.InvariantCulture) + "%";

    private static T[] Numbers<T>(string text, string name, Func<string, T?> read)
        where T : struct =>
        [.. text.Split(',', StringSplitOptions.TrimEntries)
            .Select(p => read(p) ?? throw new ArgumentException($"{name} is '{text}'; '{p}' is not possible there."))];

    private sealed class Lines(int total) : IProgress<int>
    {
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private TimeSpan _next = TimeSpan.FromSeconds(2);

        public void Report(int done)
        {
            if (_watch.Elapsed < _next && done < total) return;
            _next = _watch.Elapsed + TimeSpan.FromSeconds(2);
            Console.Error.WriteLine($"{done}/{total} images");
        }
    }
}
