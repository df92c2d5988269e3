using System.Text.Json;
using D2Pruner.AI.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class ModelConformanceTests
{
    private static readonly (string Group, Func<string, bool> Holds)[] Groups =
    [
        ("ids", n => n is "input_ids" or "position_ids"),
        ("pictures", n => n is "resized" or "pixel_values" or "image_grid_thw" or "tiles" or "image_sizes" || n.StartsWith("resized.", StringComparison.Ordinal)),
        ("features", n => n == "vision_features"),
        ("hidden", n => n.StartsWith("hidden.", StringComparison.Ordinal)),
        ("attention", n => n.StartsWith("attention_row.", StringComparison.Ordinal)),
        ("logits", n => n == "logits"),
        ("greedy", n => n.StartsWith("greedy_ids", StringComparison.Ordinal)),
    ];

    public static TheoryData<string, string, string> Quantities() => Rows((c, _) => Groups.Select(g => g.Group).Append("json"));

    public static TheoryData<string, string, string> Prunings() =>
        Rows((c, _) => c.TryGetProperty("prunings", out var p) ? p.EnumerateArray().Select(x => x.GetProperty("name").GetString()!) : []);

    [SkippableTheory]
    [MemberData(nameof(Quantities))]
    public void Case_EqualsReference(string folder, string name, string group)
    {
        SkipUnsupported(folder);
        var result = ModelFixture.Result(folder, name);
        if (group == "json")
        {
            CompareJson(ModelFixture.CaseJson(folder, name), result);
            return;
        }

        var holds = Groups.First(g => g.Group == group).Holds;
        var expected = Expected(folder, name).Where(e => holds(e.Key)).ToArray();
        Assert.Empty(expected.SelectMany(e => Expectation.Compare(e.Key, e.Value, result.Tensors.GetValueOrDefault(e.Key))));
    }

    [SkippableTheory]
    [MemberData(nameof(Prunings))]
    public void PrunedCase_EqualsReference(string folder, string name, string pruning)
    {
        SkipUnsupported(folder);
        var result = ModelFixture.Result(folder, name);
        var expected = Expected(folder, name).Where(e => e.Key.StartsWith($"pruned.{pruning}.", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(expected);
        Assert.Empty(expected.SelectMany(e => Expectation.Compare(e.Key, e.Value, result.Tensors.GetValueOrDefault(e.Key))));
        var actual = JsonSerializer.SerializeToElement(result.Json).GetProperty("prunings").EnumerateArray().First(p => p.GetProperty("name").GetString() == pruning);
        var golden = ModelFixture.CaseJson(folder, name).GetProperty("prunings").EnumerateArray().First(p => p.GetProperty("name").GetString() == pruning);
        Assert.Empty(Expectation.ComparePruning(golden, actual));
    }

    internal static SortedDictionary<string, Blob> Expected(string folder, string name) => Expectation.Read(Path.Combine(folder, "expected", name + ".safetensors"));

    internal static void CompareJson(JsonElement golden, ModelCaseResult result)
    {
        var actual = JsonSerializer.SerializeToElement(result.Json);
        Assert.Equal(golden.GetProperty("prompt").GetString(), actual.GetProperty("prompt").GetString());
        Assert.Equal(golden.GetProperty("next_position").GetInt64(), actual.GetProperty("next_position").GetInt64());
        // The golden list may be shorter than max_new_tokens: it stops before near-ties, and so does its text.
        Assert.StartsWith(golden.GetProperty("text").GetString()!.TrimEnd('\uFFFD'), actual.GetProperty("text").GetString(), StringComparison.Ordinal);
        string Components(JsonElement c) => JsonSerializer.Serialize(c.GetProperty("layout").EnumerateArray().Select(l => l.GetProperty("components").EnumerateArray().Select(g => (object)new
        {
            name = g.GetProperty("name").GetString(),
            rows = g.GetProperty("rows").GetInt32(),
            cols = g.GetProperty("cols").GetInt32(),
            positions = g.GetProperty("positions").EnumerateArray().Select(p => p.GetInt32()),
        })));
        Assert.Equal(Components(golden), Components(actual));
    }

    private static TheoryData<string, string, string> Rows(Func<JsonElement, string, IEnumerable<string>> groups)
    {
        var data = new TheoryData<string, string, string>();
        foreach (var folder in ModelFixture.Folders)
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
            foreach (var c in json.RootElement.GetProperty("cases").EnumerateArray())
            {
                foreach (var group in groups(c, folder)) data.Add(folder, c.GetProperty("name").GetString()!, group);
            }
        }

        return data;
    }

    private static void SkipUnsupported(string folder) => Skip.IfNot(ModelFixture.IsSupported(folder), $"the family '{ModelFixture.Family(folder)}' is not supported yet");
}
