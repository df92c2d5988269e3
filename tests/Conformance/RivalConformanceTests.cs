using D2Pruner.AI.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>Rival pruners against their published code: a row per case of every folder of rivals.</summary>
[Trait("Category", "Conformance")]
public sealed class RivalConformanceTests
{
    private static readonly Dictionary<string, RivalRunner> Runners = [];

    public static TheoryData<string, int, string> Cases()
    {
        var data = new TheoryData<string, int, string>();
        foreach (var folder in FixtureFolders.Find(FixtureKind.Rivals))
        {
            for (var i = 0; i < Runner(folder).Cases.Count; i++)
                data.Add(folder, i, Runner(folder).Cases[i].GetProperty("name").GetString()!);
        }

        if (data.Count == 0) data.Add(NoRows.Label, 0, "");
        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Rival_EqualsItsPublishedCode(string folder, int index, string name)
    {
        NoRows.SkipIfNone(folder);
        Assert.False(string.IsNullOrEmpty(name));
        Assert.Empty(Runner(folder).Compare(Runner(folder).Cases[index]));
    }

    private static RivalRunner Runner(string folder)
    {
        lock (Runners) return Runners.TryGetValue(folder, out var r) ? r : Runners[folder] = new RivalRunner(folder);
    }
}
