using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>A row per folder, case and group of quantities that the case stores.</summary>
[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class ModelConformanceTests
{
    public static TheoryData<string, string, string> Quantities() => Rows(c => c.Groups.Where(g => !ModelChecks.IsPruning(g)));

    public static TheoryData<string, string, string> Prunings() => Rows(c => c.Groups.Where(ModelChecks.IsPruning));

    [SkippableTheory]
    [MemberData(nameof(Quantities))]
    public void Case_EqualsReference(string folder, string name, string group) => Check(folder, name, group);

    [SkippableTheory]
    [MemberData(nameof(Prunings))]
    public void PrunedCase_EqualsReference(string folder, string name, string group) => Check(folder, name, group);

    private static void Check(string folder, string name, string group)
    {
        NoRows.SkipIfNone(folder);
        Skip.IfNot(ModelFixture.IsSupported(folder), $"the family '{ModelFixture.Family(folder)}' is not supported yet");
        Assert.Empty(ModelChecks.Compare(
            ModelGolden.Read(folder, name), ModelFixture.Result(folder, name), group, ModelFixture.Decode(folder)));
    }

    public static TheoryData<string> Folders() => ModelFixture.Folders.Any() ? [.. ModelFixture.Folders] : [NoRows.Label];

    /// <summary>All cases of a folder, each several times and in random order, sixteen sequences at once.</summary>
    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void EveryCase_InABatch_EqualsReference(string folder)
    {
        NoRows.SkipIfNone(folder);
        var random = new Random(16);
        ModelCase[] cases = [.. Enumerable.Repeat(ModelCase.Read(folder), 2).SelectMany(c => c).OrderBy(_ => random.Next())];
        var results = ModelFixture.Runner(folder).Compute(cases, 16);
        for (var i = 0; i < cases.Length; i++) AssertAll(folder, cases[i].Name, results[i]);
    }

    /// <summary>All cases of a folder asked a second time with the prompt beginnings kept.</summary>
    [SkippableTheory]
    [MemberData(nameof(Folders))]
    public void EveryCase_AskedAgain_EqualsReference(string folder)
    {
        NoRows.SkipIfNone(folder);
        using var runner = new ModelCaseRunner(folder, device: TestDevice.Name, reuse: true);
        var cases = ModelCase.Read(folder);
        var results = runner.Compute(cases, 4, again: true);
        for (var i = 0; i < cases.Count; i++) AssertAll(folder, cases[i].Name, results[i]);
        Assert.True(runner.ReusedTokens > 0);
    }

    private static void AssertAll(string folder, string name, ModelCaseResult result)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        var stored = json.RootElement.GetProperty("cases").EnumerateArray().First(c => c.GetProperty("name").GetString() == name);
        foreach (var group in Groups(folder, stored))
            Assert.Empty(ModelChecks.Compare(ModelGolden.Read(folder, name), result, group, ModelFixture.Decode(folder)));
    }

    internal static SortedDictionary<string, Blob> Expected(string folder, string name) => ModelGolden.Read(folder, name).Tensors;

    private static TheoryData<string, string, string> Rows(Func<(string Name, IEnumerable<string> Groups), IEnumerable<string>> groups)
    {
        var data = new TheoryData<string, string, string>();
        foreach (var folder in ModelFixture.Folders)
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
            foreach (var c in json.RootElement.GetProperty("cases").EnumerateArray())
            {
                var name = c.GetProperty("name").GetString()!;
                foreach (var group in groups((name, Groups(folder, c)))) data.Add(folder, name, group);
            }
        }

        if (data.Count == 0) data.Add(NoRows.Label, "", "");
        return data;
    }

    // Only headers are read here.
    private static IEnumerable<string> Groups(string folder, JsonElement c)
    {
        using var file = SafetensorsFile.Open(ModelGolden.TensorFile(folder, c));
        var prunings = c.TryGetProperty("prunings", out var p)
            ? p.EnumerateArray().Select(x => ModelChecks.GroupOfPruning(x.GetProperty("name").GetString()!)) : [];
        return [.. file.Names.Select(ModelChecks.GroupOf).Concat(prunings).Append(ModelChecks.Fields).Distinct()
            .Order(StringComparer.Ordinal)];
    }
}
