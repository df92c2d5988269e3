using System.Diagnostics;
using System.Globalization;
using D2Pruner.AI;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Soak;
using Microsoft.Extensions.AI;

// dotnet run --project tests/Soak -c Release -- --minutes 60
const string Help = """
    Mixed requests of several callers against the demo model, and now and then a look at what the process holds while none runs.

      --minutes N    how long (default 10)
      --callers N    callers at once (default 4)
      --seed S       another mixture (default 1)

    Prints a row a minute and ends with soak_flat: 1 where memory, tensors, handles and threads are flat and the reference answers stayed the
    same; else with what grew, soak_flat: 0 and exit code 1.
    """;

if (args.Contains("--help") || args.Length % 2 != 0)
{
    Console.WriteLine(Help);
    return args.Contains("--help") ? 0 : 2;
}

double Number(string name, double fallback)
{
    var at = Array.IndexOf(args, name);
    return at < 0 ? fallback : double.Parse(args[at + 1], CultureInfo.InvariantCulture);
}

var (minutes, callers, seed) = (Number("--minutes", 10), (int)Number("--callers", 4), (int)Number("--seed", 1));
var root = new DirectoryInfo(AppContext.BaseDirectory);
while (!File.Exists(Path.Combine(root.FullName, "D2Pruner.AI.sln")))
    root = root.Parent ?? throw new DirectoryNotFoundException("Run the program from within the repository.");
var images = Directory.GetFiles(Path.Combine(root.FullName, "tests", "Conformance", "Fixtures", "images", "sources"), "*.png")
    .Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToList();

// Caches small enough to be full after the first third.
await using var engine = await VisionLanguageEngine.LoadAsync(new VisionModelOptions
{
    ModelPath = Path.Combine(root.FullName, "samples", "DemoModel", "demo-llava"), Device = "cpu", VisionCacheBytes = 4 << 20,
        PrefixCacheBytes = 16 << 20, QueueCapacity = 256,
});
var client = engine.AsIChatClient(new D2PrunerChatClientOptions { DefaultMaxOutputTokens = 12 });
var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 12 };
ChatMessage[][] references =
    [.. images.Take(3).Select(
        i => new[] { new ChatMessage(ChatRole.User, [new DataContent(i, "image/png"), new TextContent("What is in the picture?")]) })];

async Task<string> AskReferences()
{
    var answers = new List<string>();
    foreach (var question in references) answers.Add((await client.GetResponseAsync(question, options)).Text);
    return string.Join('\n', answers);
}

var expected = await AskReferences();
var watch = Stopwatch.StartNew();
var requests = 0L;
var interval = TimeSpan.FromMinutes(Math.Min(1, minutes / 12));
var rows = new List<Measurement>();
var traffic = Enumerable.Range(0, callers).Select(i => new Traffic(client, images, seed * 1000 + i)).ToList();
Console.WriteLine(Measurement.Header);
for (var (next, printed) = (interval, 0.0); watch.Elapsed.TotalMinutes < minutes; next += interval)
{
    var until = next;
    await Task.WhenAll(traffic.Select(t => Task.Run(async () =>
    {
        while (watch.Elapsed < until)
        {
            await t.SendAsync();
            Interlocked.Increment(ref requests);
        }
    })));
    rows.Add(Measurement.Take(watch.Elapsed.TotalMinutes, requests, await AskReferences() == expected));
    if (watch.Elapsed.TotalMinutes - printed < 0.999 && watch.Elapsed.TotalMinutes < minutes) continue;
    printed = watch.Elapsed.TotalMinutes;
    Console.WriteLine(rows[^1]);
}

var problems = Flatness.Problems(rows);
foreach (var problem in problems) Console.WriteLine(problem);
Console.WriteLine($"soak_flat: {(problems.Count == 0 ? 1 : 0)}");
return problems.Count == 0 ? 0 : 1;
