using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class DumpTests
{
    private static string Fixture => Path.Combine(FixtureFolders.Copies!, "llava-1.5-c");

    [Fact]
    public void Model_WithoutAnyResultInItsInput_IsDumpedAsReference()
    {
        using var folder = new TemporaryFolder();
        var input = folder.Copy(Fixture, f => !f.StartsWith("expected", StringComparison.Ordinal));
        Strip(Path.Combine(input, "cases.json"));
        Dump.Run(input, folder.File("out"), TextWriter.Null);
        foreach (var c in ModelCase.Read(Fixture))
        {
            var actual = Expectation.Read(folder.File($"out/{c.Name}.safetensors"));
            Assert.Empty(ModelConformanceTests.Expected(Fixture, c.Name).SelectMany(e => Expectation.Compare(e.Key, e.Value, actual.GetValueOrDefault(e.Key))));
            var json = JsonNode.Parse(File.ReadAllText(folder.File($"out/{c.Name}.json")))!.AsObject();
            ModelConformanceTests.CompareJson(ModelFixture.CaseJson(Fixture, c.Name), new ModelCaseResult([], json));
        }
    }

    [Fact]
    public void Selection_IsDumpedInOrder()
    {
        using var folder = new TemporaryFolder();
        var fixture = Path.Combine(FixtureFolders.Copies!, "selection");
        Dump.Run(fixture, folder.Path, TextWriter.Null);
        var golden = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(fixture, "cases.json"))).RootElement;
        var actual = JsonDocument.Parse(File.ReadAllBytes(folder.File("selection.json"))).RootElement;
        Assert.Equal(golden.GetProperty("cases").GetArrayLength(), actual.GetArrayLength());
        foreach (var (e, a) in golden.GetProperty("cases").EnumerateArray().Zip(actual.EnumerateArray()))
        {
            if (e.GetProperty("method").GetString() == "d2pruner") Assert.Equal(e.GetProperty("kept").ToString().Replace(" ", ""), a.GetProperty("kept").ToString());
        }

        Assert.Equal(golden.GetProperty("budget_splits").GetArrayLength(), JsonDocument.Parse(File.ReadAllBytes(folder.File("budget_splits.json"))).RootElement.GetArrayLength());
    }

    [Fact]
    public void DamagedExpectation_OfEveryTensorKind_IsNoticed()
    {
        var name = ModelCase.Read(Fixture)[0].Name;
        var result = ModelFixture.Result(Fixture, name);
        var expected = ModelConformanceTests.Expected(Fixture, name);
        Assert.Empty(expected.SelectMany(e => Expectation.Compare(e.Key, e.Value, result.Tensors.GetValueOrDefault(e.Key))));
        foreach (var (key, blob) in expected)
        {
            Assert.NotEmpty(Expectation.Compare(key, Damage(blob), result.Tensors.GetValueOrDefault(key)));
        }
    }

    [Theory]
    [InlineData("n")]
    [InlineData("pivots")]
    [InlineData("fill")]
    [InlineData("edges")]
    [InlineData("s_min")]
    [InlineData("kv_lengths")]
    [InlineData("budgets")]
    public void DamagedField_IsNoticed(string field)
    {
        var name = ModelCase.Read(Fixture)[0].Name;
        var actual = JsonSerializer.SerializeToElement(ModelFixture.Result(Fixture, name).Json).GetProperty("prunings")[0];
        var golden = JsonNode.Parse(ModelFixture.CaseJson(Fixture, name).GetProperty("prunings")[0].GetRawText())!.AsObject();
        Assert.Empty(Expectation.ComparePruning(JsonSerializer.SerializeToElement(golden), actual));
        if (golden[field] is JsonArray array) array[0] = array[0]!.GetValue<int>() + 1;
        else golden["images"]![0]![field] = golden["images"]![0]![field]!.GetValue<double>() is var v && field == "s_min" ? v + 0.01 : v + 7;
        Assert.NotEmpty(Expectation.ComparePruning(JsonSerializer.SerializeToElement(golden), actual));
    }

    private static Blob Damage(Blob blob)
    {
        var data = (Array)blob.Data.Clone();
        var at = data.Length / 2;
        switch (data)
        {
            case float[] f: f[at] += 0.01f + Math.Abs(f[at]) * 0.01f; break;
            case long[] l: l[at] += 1; break;
            case byte[] b: b[at] ^= 1; break;
        }

        return blob with { Data = data };
    }

    private static void Strip(string path)
    {
        var root = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (var c in root["cases"]!.AsArray().Select(c => c!.AsObject()))
        {
            foreach (var key in c.Select(p => p.Key).Except(["name", "messages", "max_new_tokens", "prunings"]).ToArray()) c.Remove(key);
            foreach (var p in c["prunings"]!.AsArray().Select(p => p!.AsObject()))
            {
                foreach (var key in new[] { "budgets", "kv_lengths", "images" }) p.Remove(key);
            }
        }

        File.WriteAllText(path, root.ToJsonString());
    }
}
