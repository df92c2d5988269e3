using System.Text.Json;
using D2Pruner.AI.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class SelectionConformanceTests
{
    private static readonly Dictionary<string, SelectionRunner> Runners = [];

    public static TheoryData<string, int, string> Cases()
    {
        var data = new TheoryData<string, int, string>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Selection))
        {
            var cases = Runner(folder).Cases;
            for (var i = 0; i < cases.Count; i++)
                data.Add(folder, i, $"{cases[i].GetProperty("method").GetString()} {cases[i].GetProperty("set").GetString()} n={cases[i].GetProperty("n").GetInt32()}");
        }

        if (data.Count == 0) data.Add(NoRows.Label, 0, "");
        return data;
    }

    public static TheoryData<string, int> Splits()
    {
        var data = new TheoryData<string, int>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Selection))
        {
            for (var i = 0; i < Runner(folder).BudgetSplits.Count; i++) data.Add(folder, i);
        }

        if (data.Count == 0) data.Add(NoRows.Label, 0);
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Selection_EqualsReference(string folder, int index, string label)
    {
        NoRows.SkipIfNone(folder);
        var golden = Runner(folder).Cases[index];
        var actual = JsonSerializer.SerializeToElement(Runner(folder).Compute(golden));
        Skip.If(actual.TryGetProperty("skipped", out _), $"{label}: the method is not supported yet");
        Assert.Empty(Compare(golden, actual));
    }

    [SkippableTheory]
    [MemberData(nameof(Splits))]
    public void BudgetSplit_EqualsReference(string folder, int index)
    {
        NoRows.SkipIfNone(folder);
        var golden = Runner(folder).BudgetSplits[index];
        Assert.Equal(Ints(golden.GetProperty("split")), SelectionRunner.Split(golden));
    }

    /// <summary>Differences between a golden and a computed selection.</summary>
    internal static IEnumerable<string> Compare(JsonElement golden, JsonElement actual)
    {
        var (expected, kept) = (Ints(golden.GetProperty("kept")), Ints(actual.GetProperty("kept")));
        if (!expected.SequenceEqual(kept)) yield return $"kept: [{string.Join(",", expected)}] expected, [{string.Join(",", kept)}] found";
        if (!golden.TryGetProperty("pivots", out _)) yield break;
        foreach (var difference in Expectation.CompareSelection(golden, actual, SelectionRunner.Layout(golden).Count))
            yield return difference;
    }

    private static IEnumerable<int> Ints(JsonElement json) => json.EnumerateArray().Select(v => v.GetInt32());

    private static SelectionRunner Runner(string folder)
    {
        lock (Runners) return Runners.TryGetValue(folder, out var r) ? r : Runners[folder] = new SelectionRunner(folder);
    }
}
