using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using D2Pruner.AI.Evaluation.Data;
using D2Pruner.AI.Evaluation.Reports;
using D2Pruner.AI.Evaluation.Running;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Hub;

namespace D2Pruner.AI.Cli;

/// <summary><c>d2pruner evaluate</c>: methods against each other on data sets, with intervals.</summary>
internal static class EvaluateCommand
{
    private const string Equal = "equal";
    private const string Official = "official";
    private const string Both = "both";
    private const string Published = "published";
    private const string Served = "served";

    private static readonly Option<string> Model =
        new("--model", "-m") { Description = "Model folder, or a Hub id in the local Hugging Face cache." };
    private static readonly Option<string[]> Data =
        new("--data") { Description = $"NAME or NAME=PATH; may be given more than once. Names: {string.Join(", ", DataSets.Names)}.",
            AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string> Methods =
        new("--methods") { Description = $"Methods, separated by commas: {string.Join(", ", MethodSettings.Names)}. 'default' is the " +
            "rule that the presets put in force.", DefaultValueFactory = _ => string.Join(',', EvaluationOptions.DefaultMethods) };
    private static readonly Option<string> Convention = CreateConvention();
    private static readonly Option<string?> Against =
        new("--against") { Description = "Methods, of those run, to which differences are taken besides d2pruner; separated by commas." };
    private static readonly Option<string> Keep =
        new("--keep") { Description = "Visual tokens to keep of an image, separated by commas.", DefaultValueFactory = _ => "192,128,64" };
    private static readonly Option<string> Layer =
        new("--layer", "--layers") { Description = "K, separated by commas: layers 0..K-1 see every token.",
            DefaultValueFactory = _ => "2" };
    private static readonly Option<int> Limit =
        new("--limit") { Description = "At most this many scenes (demo) or questions (data sets).", DefaultValueFactory = _ => 500 };
    private static readonly Option<long> Seed =
        new("--seed") { Description = "Seed of the drawn scenes or of the sample of a data set, and of the bootstrap.",
            DefaultValueFactory = _ => 1 };
    private static readonly Option<string> Split =
        new("--split") { Description = "Demo: test or validation. Data sets: the part of the set, where it has several.",
            DefaultValueFactory = _ => "test" };
    private static readonly Option<string> Harness = CreateHarness();
    private static readonly Option<int> Workers =
        new("--workers") { Description = "Images asked about at the same time, each by a model of its own over the same mapped weights; " +
            "the cores are shared out. Answers are the same, measured times are those of a shared machine.", DefaultValueFactory = _ => 1 };
    private static readonly Option<string> Out =
        new("--out", "-o") { Description = "Folder of the results. A stopped run in it goes on; methods and budgets may be added." };
    private static readonly ModelFlags Loading = new();

    public static Command Create()
    {
        var command = new Command(
            "evaluate", "Answers a data set's questions with every pruning method at every budget and writes report.md, report.json, " +
            "plots and every answer (samples.jsonl). Stopped at any moment, it goes on where it was.")
        {
            Model, Data, Methods, Convention, Against, Keep, Layer, Limit, Seed, Split, Harness, Workers, Out,
        };
        Loading.AddTo(command);
        command.Add(CreateFetch());
        command.SetAction((parse, ct) => Failure.GuardWork(() => Run(parse, ct)));
        return command;
    }

    private static Command CreateFetch()
    {
        var name = new Argument<string>("NAME") { Description = "A data set's name." };
        var split = new Option<string>(
            "--split") { Description = "The part, where a set has several (RefCOCO: val, testA, testB, test).",
            DefaultValueFactory = _ => "test" };
        var command = new Command(
            "fetch", "Fetches a data set's files from the Hugging Face Hub into its cache (sizes of gigabytes; an interrupted fetch goes " +
            "on). Nothing else here downloads.") { name, split };
        command.SetAction((parse, ct) => Failure.Guard(async () =>
        {
            var set = parse.GetValue(name)!;
            var repository = DataSets.RepositoryOf(set) ?? throw new ArgumentException($"'{set}' is drawn, not fetched.");
            var snapshot = await TransferDisplay.RunAsync(
                progress => DataSetHub.PullAsync(repository, f => DataSets.Wants(set, f, parse.GetValue(split)!), null, progress, ct));
            Console.WriteLine($"{snapshot.Id}: {Units.Bytes(snapshot.Bytes)}, {Units.Bytes(snapshot.BytesFetched)} of them fetched now.");
            var part = parse.GetResult(split) is { Implicit: false } ? $" --split {parse.GetValue(split)}" : "";
            Console.WriteLine($"Next: d2pruner evaluate --model MODEL --data {set}={snapshot.Folder}{part} --out FOLDER");
        }));
        return command;
    }

    private static void Run(ParseResult parse, CancellationToken cancellationToken)
    {
        // Checked here, because 'evaluate fetch' takes none of them.
        if (parse.GetValue(Model) is null || parse.GetValue(Data) is not { Length: > 0 } || parse.GetValue(Out) is null)
            throw new ArgumentException("--model, --data and --out are needed.");
        if (parse.GetValue(Limit) < 1) throw new ArgumentException("--limit must be at least 1.");
        var model = Loading.Options(parse, parse.GetValue(Model));
        var workers = parse.GetValue(Workers);
        if (workers < 1) throw new ArgumentException("--workers must be at least 1.");
        if (workers > 1) model.Threads = Math.Max(1, Environment.ProcessorCount / workers);
        var seed = (ulong)parse.GetValue(Seed);
        var folder = ModelFlags.Folder(model, cancellationToken);
        var request = PublishedHarness.Request(
            folder, parse.GetValue(Split)!, parse.GetValue(Limit), seed, asServed: parse.GetValue(Harness) == Served);
        var data = parse.GetValue(Data)!.Select(d => DataSets.Load(d, request)).ToArray();
        foreach (var d in data)
        {
            Console.WriteLine($"{d.Name}: {d.Samples.Count} questions" +
                (d.Problems.Count > 0 ? $", {d.Problems.Count} rows cannot be used:" : "."));
            foreach (var problem in d.Problems.Take(20)) Console.WriteLine($"  {problem}");
        }

        var options = new EvaluationOptions
        {
            Model = model,
            Data = data,
            Methods = Conventions(List(parse.GetValue(Methods)!, "--methods"), parse.GetValue(Convention)!),
            Against = parse.GetValue(Against) is { } against ? List(against, "--against") : [],
            Keep = Numbers(parse.GetValue(Keep)!, "--keep"),
            Layers = Numbers(parse.GetValue(Layer)!, "--layer"),
            Seed = seed,
            Workers = workers,
            OutputFolder = parse.GetValue(Out)!,
        };
        var report = EvaluationRun.Run(options, new ConsoleProgress(), cancellationToken);
        foreach (var cell in report.Cells.Where(c => ReportWriter.Headings(report).Contains(c.Task)))
        {
            var minus = cell.MinusD2Pruner is not { } m ? "-" : string.Create(CultureInfo.InvariantCulture,
                $"{100 * m:+0.0;-0.0;0.0} ({100 * cell.MinusLow:0.0}..{100 * cell.MinusHigh:0.0})");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{cell.Method,-20} keep {cell.Keep,4} K {cell.Layer} {cell.Task,-14} n {cell.Count,5}  " +
                $"{100 * cell.Accuracy,5:0.0} ({100 * cell.Low:0.0}-{100 * cell.High:0.0})  minus d2pruner {minus}"));
        }

        foreach (var comparison in report.Published) Console.WriteLine(comparison);
        foreach (var refused in report.CannotRun.GroupBy(r => (r.Method, r.Why)))
            Console.WriteLine($"{refused.Key.Method} cannot run: {refused.Key.Why}");
        Console.WriteLine($"Written: {Path.Combine(options.OutputFolder, "report.md")}");
    }

    private static Option<string> CreateConvention()
    {
        var option = new Option<string>("--convention")
        {
            Description = "equal: exactly n tokens before layer K, ids kept. official: as published, where that differs (other counts, " +
                "before layer 0, ids numbered anew). both: side by side. A method's published form alone is NAME:official.",
            DefaultValueFactory = _ => Equal,
        };
        option.AcceptOnlyFromAmong(Equal, Official, Both);
        return option;
    }

    private static Option<string> CreateHarness()
    {
        var option = new Option<string>("--harness")
        {
            Description = "published: benchmarks are asked as the model's family was measured (LLaVA-1.5: Vicuna's system line, images " +
                "padded to a square). served: in the folder's own template and image fit, as the model answers elsewhere. The demo's " +
                "scenes are always asked as served.",
            DefaultValueFactory = _ => Published,
        };
        option.AcceptOnlyFromAmong(Published, Served);
        return option;
    }

    private static string[] Conventions(string[] methods, string convention) => convention == Equal ? methods
        : [.. methods.SelectMany(m => (IEnumerable<string>)(MethodSettings.OfficialOf(m) is not { } official ? [m]
            : convention == Both ? [m, official] : [official])).Distinct()];

    private static string[] List(string text, string name)
    {
        string[] parts = [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Distinct(StringComparer.OrdinalIgnoreCase)];
        return parts.Length > 0 ? parts : throw new ArgumentException($"{name} is empty.");
    }

    private static int[] Numbers(string text, string name) =>
        [.. List(text, name).Select(
            p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0 ? n
            : throw new ArgumentException($"{name} is '{text}'; expected whole numbers of at least 1 such as 192,128,64."))];

    // Lines, not a bar: the same in a terminal and in a log file.
    private sealed class ConsoleProgress : IProgress<EvaluationProgress>
    {
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private TimeSpan _next = TimeSpan.Zero;

        public void Report(EvaluationProgress p)
        {
            if (_watch.Elapsed < _next && p.Done < p.Total) return;
            _next = _watch.Elapsed + TimeSpan.FromSeconds(2);
            Console.Error.WriteLine($"{p.Done}/{p.Total} questions, {p.Left:hh\\:mm\\:ss} left ({p.Text})");
        }
    }
}
