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

        return data;
    }

    public static TheoryData<string, int> Splits()
    {
        var data = new TheoryData<string, int>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Selection))
        {
            for (var i = 0; i < Runner(folder).BudgetSplits.Count; i++) data.Add(folder, i);
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Selection_EqualsReference(string folder, int index, string label)
    {
        var golden = Runner(folder).Cases[index];
        var actual = JsonSerializer.SerializeToElement(Runner(folder).Compute(golden));
        Skip.If(actual.TryGetProperty("skipped", out _), $"{label}: rival methods wait for their own issue");
        Assert.Equal(golden.GetProperty("kept").EnumerateArray().Select(k => k.GetInt32()), actual.GetProperty("kept").EnumerateArray().Select(k => k.GetInt32()));
        if (!golden.TryGetProperty("pivots", out _)) return;
        Assert.Equal(golden.GetProperty("pivots").GetInt32(), actual.GetProperty("pivots").GetInt32());
        Assert.Equal(golden.GetProperty("fill").GetInt32(), actual.GetProperty("fill").GetInt32());
        if (actual.GetProperty("s_min").ValueKind != JsonValueKind.Null) Assert.Empty(Expectation.CompareGraph(golden, actual));
    }

    [Theory]
    [MemberData(nameof(Splits))]
    public void BudgetSplit_EqualsReference(string folder, int index)
    {
        var golden = Runner(folder).BudgetSplits[index];
        Assert.Equal(golden.GetProperty("split").EnumerateArray().Select(n => n.GetInt32()), SelectionRunner.Split(golden));
    }

    private static SelectionRunner Runner(string folder)
    {
        lock (Runners) return Runners.TryGetValue(folder, out var r) ? r : Runners[folder] = new SelectionRunner(folder);
    }
}
