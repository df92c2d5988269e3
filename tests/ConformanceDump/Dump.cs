using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;

namespace D2Pruner.AI.Conformance;

/// <summary>Computes what a fixture folder asks and writes it; expected results are never opened.</summary>
internal static class Dump
{
    private static readonly JsonSerializerOptions Pretty =
        new() { WriteIndented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Run(string folder, string output, TextWriter log, int concurrent = 1, bool again = false)
    {
        var kind = FixtureFolders.KindOf(folder)
            ?? throw new ArgumentException(
                $"'{folder}' is no fixture folder: expected model/ with cases.json, a selection, tokenizers or images folder.");
        Directory.CreateDirectory(output);
        switch (kind)
        {
            case FixtureKind.Model: Models(folder, output, log, concurrent, again); break;
            case FixtureKind.Selection: Selection(folder, output); break;
            case FixtureKind.Tokenizers: Tokenizers(folder, output, log); break;
            case FixtureKind.Images: Images(folder, output); break;
            default: throw new ArgumentException($"'{folder}' is a {kind} folder; there is nothing to dump.");
        }
    }

    private static void Models(string folder, string output, TextWriter log, int concurrent, bool again)
    {
        using var runner = new ModelCaseRunner(folder, reuse: again);
        var cases = ModelCase.Read(folder);
        // One scheduler for all cases where they are to run at once; else one after another, so that a failure names its case.
        foreach (var group in concurrent > 1 ? [cases] : cases.Select(c => (IReadOnlyList<ModelCase>)[c]))
        {
            log.WriteLine(string.Join(", ", group.Select(c => c.Name)));
            var results = runner.Compute(group, concurrent, again);
            for (var i = 0; i < group.Count; i++)
            {
                Write(Path.Combine(output, group[i].Name + ".safetensors"), results[i].Tensors);
                Write(Path.Combine(output, group[i].Name + ".json"), results[i].Json);
            }
        }

        if (again) log.WriteLine($"{runner.ReusedTokens} prompt tokens reused");
    }

    private static void Selection(string folder, string output)
    {
        using var runner = new SelectionRunner(folder);
        Write(Path.Combine(output, "selection.json"), new JsonArray([.. runner.Cases.Select(runner.Compute)]));
        Write(Path.Combine(output, "budget_splits.json"),
            new JsonArray([.. runner.BudgetSplits.Select(
                b => new JsonArray([.. SelectionRunner.Split(b).Select(n => JsonValue.Create(n))]))]));
    }

    private static void Tokenizers(string folder, string output, TextWriter log)
    {
        foreach (var name in TokenizerRunner.Names(folder))
        {
            log.WriteLine(name);
            var runner = new TokenizerRunner(folder, name);
            Write(Path.Combine(output, name + ".json"), new JsonObject
            {
                ["cases"] = new JsonArray([.. runner.Cases.Select(runner.Encode)]),
                ["decode_cases"] = new JsonArray([.. runner.DecodeCases.Select(runner.Decode)]),
            });
        }
    }

    private static void Images(string folder, string output)
    {
        var runner = new ImagesRunner(folder);
        Write(Path.Combine(output, "resize.safetensors"),
            runner.ResizeCases.ToDictionary(c => c.GetProperty("name").GetString() + ".bicubic", runner.Resize));
        Write(Path.Combine(output, "decode.safetensors"),
            runner.DecodeCases.ToDictionary(c => c.GetProperty("file").GetString()!, runner.Decode));
        Write(Path.Combine(output, "processors.json"), new JsonArray([.. runner.ProcessorCases.Select(runner.Describe)]));
    }

    private static void Write(string path, IEnumerable<KeyValuePair<string, Blob>> tensors)
    {
        var writer = new SafetensorsWriter();
        foreach (var (name, blob) in tensors)
        {
            _ = blob.Data switch
            {
                float[] f => writer.Add(name, f, blob.Shape),
                long[] l => writer.Add(name, l, blob.Shape),
                byte[] b => writer.Add(name, b, blob.Shape),
                _ => throw new InvalidOperationException($"{name}: {blob.Data.GetType()}"),
            };
        }

        writer.Write(path);
    }

    private static void Write(string path, JsonNode json) => File.WriteAllText(path, json.ToJsonString(Pretty));
}
