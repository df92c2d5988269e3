using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Results of model folders, computed once per case and shared by the tests.</summary>
internal static class ModelFixture
{
    private static readonly Dictionary<string, (ModelCaseRunner Runner, IReadOnlyList<ModelCase> Cases)> Runners = [];
    private static readonly Dictionary<(string, string), ModelCaseResult> Results = [];

    public static IEnumerable<string> Folders => FixtureFolders.Find(FixtureKind.Model);

    public static string Family(string folder)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "model", "config.json")));
        return json.RootElement.GetProperty("model_type").GetString()!;
    }

    public static bool IsSupported(string folder) => ModelFamilies.Supported.Contains(Family(folder));

    public static Func<int[], string> Decode(string folder)
    {
        var tokenizer = Runner(folder).Model.Tokenizer;
        return ids => tokenizer.Decode(ids);
    }

    public static ModelCaseRunner Runner(string folder)
    {
        lock (Runners) return Entry(folder).Runner;
    }

    public static ModelCaseResult Result(string folder, string name)
    {
        lock (Runners)
        {
            if (Results.TryGetValue((folder, name), out var result)) return result;
            var (runner, cases) = Entry(folder);
            return Results[(folder, name)] = runner.Compute(cases.First(c => c.Name == name));
        }
    }

    private static (ModelCaseRunner Runner, IReadOnlyList<ModelCase> Cases) Entry(string folder)
    {
        if (!Runners.TryGetValue(folder, out var entry))
            Runners[folder] = entry = (new ModelCaseRunner(folder, device: TestDevice.Name), ModelCase.Read(folder));
        return entry;
    }
}
