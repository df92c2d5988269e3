using D2Pruner.AI.FaultHost;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using Microsoft.Extensions.AI;

// FaultHost SCENARIO MODEL_FOLDER IMAGE [FOLDER]
// Asks a question, makes the fault, asks again: prints "before: ...", "fault: ..." and "after: same" (or what came instead).
var (scenario, model, image) = (args[0], args[1], File.ReadAllBytes(args[2]));
var weights = Path.Combine(model, "model.safetensors");

async Task<int> Changed(Action change, bool? inMemory)
{
    await using var subject = new Subject(model, image, o => o.WeightsInMemory = inMemory);
    var before = await subject.AskAsync();
    Console.WriteLine($"before: {before}");
    change();
    var fault = await subject.AskAsync();
    // A mapped model is loaded anew: its answer is the one that the files as they are now give.
    if (inMemory == false && !fault.StartsWith("error", StringComparison.Ordinal) && fault == await AnewAsync()) fault = "as anew";
    Console.WriteLine($"fault: {(fault == before ? "same" : fault)}");
    return 0;
}

async Task<string> AnewAsync()
{
    await using var subject = new Subject(model, image);
    return await subject.AskAsync();
}

async Task<int> During(Subject subject, Func<Task<string>> fault)
{
    await using var _ = subject;
    var before = await subject.AskAsync();
    Console.WriteLine($"before: {before}");
    Console.WriteLine($"fault: {await fault()}");
    Console.WriteLine($"after: {(await subject.AskAsync() is var after && after == before ? "same" : after)}");
    return 0;
}

// By other programs: .NET's own locks bind .NET programs only.
void Shell(string line)
{
    using var shell = System.Diagnostics.Process.Start("sh", ["-c", line]);
    shell.WaitForExit();
    if (shell.ExitCode != 0) throw new InvalidOperationException($"'{line}' ended with {shell.ExitCode}.");
}

void Truncate() => Shell($"truncate -s 100 '{weights}'");

void Overwrite() => Shell($"dd if=/dev/zero of='{weights}' bs=1000 seek=400 count=600 conv=notrunc status=none");

switch (scenario)
{
    case "truncate":
        return await Changed(Truncate, null);
    case "truncate-mapped":
        return await Changed(Truncate, false);
    case "overwrite":
        return await Changed(Overwrite, null);
    case "overwrite-mapped":
        return await Changed(Overwrite, false);
    case "replace":
        return await Changed(() =>
        {
            File.WriteAllBytes(weights + ".new", new byte[10]);
            File.Move(weights + ".new", weights, overwrite: true);
        }, null);
    case "listeners":
        using (var listeners = new Listeners())
        {
            var subject = new Subject(model, image, null, listeners);
            var result = await During(
                subject, async () => $"{await subject.AskAsync(new byte[40])}, " +
                $"{await subject.AskAsync(configure: o => o.ConversationId = "x")}");
            Console.WriteLine($"calls: {(listeners.Calls > 0 ? "some" : "none")}");
            return result;
        }

    case "memory":
        // Run with a small DOTNET_GCHeapHardLimit.
        var small = new Subject(model, image);
        return await During(small, () => small.AskAsync(File.ReadAllBytes(args[3])));
    case "disk":
        // The folder is on a small file system with an old prior in it: run twice, full and not.
        var prior = new PositionalBiasPrior(
            "p", new Dictionary<(int, string), PriorMap> { [(2, "grid")] = new(200, 200, new float[40_000]) });
        try
        {
            PriorFile.Save(prior, Path.Combine(args[3], "prior.safetensors"));
            Console.WriteLine("fault: none");
        }
        catch (IOException e)
        {
            Console.WriteLine($"fault: {e.GetType().Name}");
        }

        var files = Directory.GetFiles(args[3]).Select(f => $"{Path.GetFileName(f)}={new FileInfo(f).Length}");
        Console.WriteLine($"files: {string.Join(' ', files.Order(StringComparer.Ordinal))}");
        return 0;
    case "libtorch":
        // D2PRUNER_LIBTORCH names a wrong folder; then the application names its own.
        Console.WriteLine($"fault: {TorchEnvironment.Probe().Problem}");
        TorchEnvironment.UseLibtorch(Path.GetDirectoryName(TorchEnvironment.Beside())!);
        Console.WriteLine($"after: {TorchEnvironment.Probe().Problem ?? "usable"}");
        return 0;
    case "ask":
        await using (var only = new Subject(model, image)) Console.WriteLine($"before: {await only.AskAsync()}");
        return 0;
    default:
        Console.Error.WriteLine($"'{scenario}' is no scenario.");
        return 2;
}
