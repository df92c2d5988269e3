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
        Assert.Empty(ModelChecks.Compare(ModelGolden.Read(folder, name), ModelFixture.Result(folder, name), group, ModelFixture.Decode(folder)));
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
        var prunings = c.TryGetProperty("prunings", out var p) ? p.EnumerateArray().Select(x => ModelChecks.GroupOfPruning(x.GetProperty("name").GetString()!)) : [];
        return [.. file.Names.Select(ModelChecks.GroupOf).Concat(prunings).Append(ModelChecks.Fields).Distinct().Order(StringComparer.Ordinal)];
    }
}
