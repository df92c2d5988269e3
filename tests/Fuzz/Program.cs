using System.Globalization;
using D2Pruner.AI.Fuzz;

// dotnet run --project tests/Fuzz -c Release -- --minutes 10 --target all
const string Help = """
    Gives random, hostile inputs to everything that reads something, in child processes.

      --minutes N      for so long, shared between the targets (default 1)
      --inputs N       instead of a time: so many inputs a target
      --target T       schemas, requests, messages, tool_results, tool_calls, data_uris, images, safetensors, priors, config, tokenizer,
                       generation_config; or all (default)
      --seed S         another sequence of inputs (default 1)
      --patience S     seconds of work after which an input counts as a hang (default 10; twenty times as long where it only waits)
      --findings F     folder for inputs that go wrong (default fuzz-findings in the temporary folder)
      --replay FILE    tries one kept input in this process and shows what happens

    Prints a line a target: inputs, aborts, untyped, hangs, large_allocations; ends with 1 where any but the first is not 0.
    """;

var options = new Dictionary<string, string>(StringComparer.Ordinal);
for (var i = 0; i < args.Length; i++)
{
    if (args[i] is "--help" or "-h")
    {
        Console.WriteLine(Help);
        return 0;
    }

    if (!args[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == args.Length)
    {
        Console.Error.WriteLine($"'{args[i]}' is no option with a value.\n{Help}");
        return 2;
    }

    options[args[i][2..]] = args[++i];
}

string Get(string key, string fallback) => options.GetValueOrDefault(key, fallback);
long Long(string key, long fallback) => options.TryGetValue(key, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : fallback;
double Number(string key, double fallback) => options.TryGetValue(key, out var text)
    ? double.Parse(text, CultureInfo.InvariantCulture) : fallback;

var seed = (int)Long("seed", 1);
var findings = new Findings(Get("findings", Path.Combine(Path.GetTempPath(), "fuzz-findings")));
var names = Get("target", "all") == "all" ? [.. Targets.Names] : Get("target", "").Split(',');

if (options.TryGetValue("replay", out var file))
{
    using var target = Targets.Create(names[0]);
    var (typed, allocated, error) = Worker.Try(target, File.ReadAllBytes(file));
    Console.WriteLine($"typed: {typed}, allocated: {allocated}\n{error}");
    return typed && allocated <= target.AllocationLimit ? 0 : 1;
}

if (options.TryGetValue("child", out var progressPath))
{
    using var progress = new ProgressFile(progressPath);
    using var target = Targets.Create(names[0]);
    new Worker(target, progress, findings, seed).Run(Long("from", 0), Long("to", 0), new DateTime(Long("until", 0), DateTimeKind.Utc));
    return 0;
}

foreach (var name in names) Targets.Create(name).Dispose();
var total = new Tally();
var end = options.ContainsKey("inputs") ? DateTime.MaxValue : DateTime.UtcNow.AddMinutes(Number("minutes", 1));
for (var i = 0; i < names.Length; i++)
{
    // What one target leaves of its share goes to the others.
    var until = end == DateTime.MaxValue ? end : DateTime.UtcNow + (end - DateTime.UtcNow) / (names.Length - i);
    var tally = new Supervisor(names[i], seed, findings, TimeSpan.FromSeconds(Number("patience", 10)))
        .Run(Long("inputs", long.MaxValue), until);
    total.Add(tally);
    Console.WriteLine(tally.Line(names[i]));
}

if (names.Length > 1) Console.WriteLine(total.Line("all"));
return total.IsClean ? 0 : 1;
