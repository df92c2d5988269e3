using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

[Trait("Category", "Conformance")]
public sealed class PlanConformanceTests
{
    public static TheoryData<string> Plans() =>
        [.. FixtureFolders.Find(FixtureKind.Plans).SelectMany(f => Directory.GetFiles(f, "*.json")).DefaultIfEmpty(NoRows.Label)];

    [SkippableTheory]
    [MemberData(nameof(Plans))]
    public void Configuration_AsksForTheCheckpointsTensors(string file)
    {
        NoRows.SkipIfNone(file);
        var json = JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;
        var config = json.GetProperty("config");
        var family = config.GetProperty("model_type").GetString()!;
        Skip.IfNot(ModelFamilies.Supported.Contains(family), $"the family '{family}' is not supported yet");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), config.GetRawText());
        var blueprint = ModelFamilies.Read(CheckpointFolder.Open(folder.Path));
        var plan = blueprint.Plan();
        var expected = json.GetProperty("tensors").EnumerateObject()
            .ToDictionary(t => t.Name, t => t.Value.EnumerateArray().Select(d => d.GetInt64()).ToArray());
        var actual = plan.Tensors.Where(t => !t.Optional)
            .ToDictionary(t => blueprint.Names.Resolve(t.Name, expected.ContainsKey) ?? t.Name, t => t.Shape);
        Assert.Empty(expected.Keys.Except(actual.Keys));
        Assert.Empty(actual.Keys.Except(expected.Keys));
        Assert.All(expected, e => Assert.Equal(e.Value, actual[e.Key]));
        Assert.Equal(json.GetProperty("parameters").GetInt64(), plan.Parameters);
    }
}
