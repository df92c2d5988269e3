using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>The dump, run on inputs from which every result has been removed, writes what the fixtures hold.</summary>
[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class DumpTests
{
    public static TheoryData<string> Models() => [.. Copied(FixtureKind.Model)];

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Model_IsDumpedAsReference(string fixture)
    {
        var golden = Path.Combine(FixtureFolders.Copies!, fixture);
        Skip.IfNot(ModelFixture.IsSupported(golden), $"the family '{ModelFixture.Family(golden)}' is not supported yet");
        using var folder = new TemporaryFolder();
        var input = folder.Copy(golden, f => !f.StartsWith("expected", StringComparison.Ordinal));
        Edit(Path.Combine(input, "cases.json"), root =>
        {
            foreach (var c in Objects(root["cases"]))
            {
                KeepOnly(c, "name", "messages", "max_new_tokens", "prunings");
                foreach (var p in Objects(c["prunings"]))
                    KeepOnly(p, "name", "layer", "alpha", "theta", "pivot_ratio", "rule", "evict", "prior", "budget");
            }
        });
        Dump.Run(input, folder.File("out"), TextWriter.Null);
        foreach (var c in ModelCase.Read(golden))
        {
            var dumped = new ModelCaseResult(
                Expectation.Read(folder.File($"out/{c.Name}.safetensors")),
                JsonNode.Parse(File.ReadAllText(folder.File($"out/{c.Name}.json")))!.AsObject());
            var expected = ModelGolden.Read(golden, c.Name);
            var groups = expected.Tensors.Keys.Select(ModelChecks.GroupOf).Append(ModelChecks.Fields).Distinct();
            Assert.Empty(groups.SelectMany(g => ModelChecks.Compare(expected, dumped, g, ModelFixture.Decode(golden))));
        }
    }

    [Fact]
    public void Selection_IsDumpedInOrder()
    {
        using var folder = new TemporaryFolder();
        var fixture = Path.Combine(FixtureFolders.Copies!, "selection");
        var input = folder.Copy(fixture);
        Edit(Path.Combine(input, "cases.json"), root =>
        {
            foreach (var c in Objects(root["cases"]))
                KeepOnly(c, "set", "components", "method", "n", "alpha", "theta", "pivot_ratio", "rule", "prior");
            foreach (var b in Objects(root["budget_splits"])) b.Remove("split");
        });
        Dump.Run(input, folder.File("out"), TextWriter.Null);
        var golden = Json(Path.Combine(fixture, "cases.json"));
        var (cases, selection) = (golden.GetProperty("cases"), Json(folder.File("out/selection.json")));
        Assert.Equal(cases.GetArrayLength(), selection.GetArrayLength());
        Assert.Empty(cases.EnumerateArray().Zip(selection.EnumerateArray())
            .SelectMany(p => SelectionConformanceTests.Compare(p.First, p.Second)));
        string[] Splits(JsonElement json) => [.. json.EnumerateArray().Select(s => string.Join(",", s.EnumerateArray()))];
        var splits = golden.GetProperty("budget_splits").EnumerateArray()
            .Select(b => string.Join(",", b.GetProperty("split").EnumerateArray()));
        Assert.Equal(splits, Splits(Json(folder.File("out/budget_splits.json"))));
    }

    [Fact]
    public void Images_AreDumpedInOrder()
    {
        using var folder = new TemporaryFolder();
        var fixture = Path.Combine(FixtureFolders.Copies!, "images");
        var input = folder.Copy(fixture, f => f is not ("decode.safetensors" or "resize.safetensors"));
        var resize = Expectation.Read(Path.Combine(fixture, "resize.safetensors"));
        var sources = new SafetensorsWriter();
        foreach (var (name, blob) in resize.Where(t => t.Key.EndsWith(".source", StringComparison.Ordinal)))
            sources.Add(name, (byte[])blob.Data, blob.Shape);
        sources.Write(Path.Combine(input, "resize.safetensors"));
        Edit(Path.Combine(input, "decode.json"), root => Objects(root["cases"]).ForEach(c => KeepOnly(c, "file")));
        Edit(Path.Combine(input, "processors.json"), root => Objects(root["cases"]).ForEach(c => KeepOnly(c, "processor", "image")));
        Dump.Run(input, folder.File("out"), TextWriter.Null);

        var resized = Expectation.Read(folder.File("out/resize.safetensors"));
        var expected = resize.Where(t => t.Key.EndsWith(".bicubic", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(expected);
        Assert.Empty(expected.SelectMany(t => Expectation.Compare(t.Key, t.Value, resized.GetValueOrDefault(t.Key))));

        var (pictures, decoded) =
            (Expectation.Read(Path.Combine(fixture, "decode.safetensors")), Expectation.Read(folder.File("out/decode.safetensors")));
        foreach (var c in Json(Path.Combine(fixture, "decode.json")).GetProperty("cases").EnumerateArray())
        {
            var file = c.GetProperty("file").GetString()!;
            Assert.Empty(ImagesConformanceTests.CompareDecoded(pictures[file], decoded[file], c.GetProperty("tolerance").GetInt32()));
        }

        var (cases, processors) =
            (Json(Path.Combine(fixture, "processors.json")).GetProperty("cases"), Json(folder.File("out/processors.json")));
        Assert.Equal(cases.GetArrayLength(), processors.GetArrayLength());
        foreach (var (e, a) in cases.EnumerateArray().Zip(processors.EnumerateArray()))
        {
            Assert.NotEqual(ImagesRunner.Supports(e.GetProperty("processor").GetString()!), a.TryGetProperty("skipped", out _));
            if (a.TryGetProperty("skipped", out _)) continue;
            foreach (var key in new[] { "sha256", "tokens", "shape" })
                Assert.Equal(e.GetProperty(key).ToString().Replace(" ", ""), a.GetProperty(key).ToString());
        }
    }

    [SkippableFact]
    public void Tokenizers_AreDumpedInOrder()
    {
        var fixture = FixtureFolders.Find(FixtureKind.Tokenizers).FirstOrDefault();
        Skip.If(fixture is null, $"the real vocabularies are not part of the repository; name their folder in {FixtureFolders.Variable}");
        using var folder = new TemporaryFolder();
        Dump.Run(fixture, folder.Path, TextWriter.Null);
        foreach (var name in TokenizerRunner.Names(fixture))
        {
            var (golden, dumped) = (Json(Path.Combine(fixture, name + ".json")), Json(folder.File(name + ".json")));
            foreach (var list in new[] { "cases", "decode_cases" })
            {
                Assert.Equal(golden.GetProperty(list).GetArrayLength(), dumped.GetProperty(list).GetArrayLength());
                foreach (var (e, a) in golden.GetProperty(list).EnumerateArray().Zip(dumped.GetProperty(list).EnumerateArray()))
                {
                    foreach (var p in a.EnumerateObject()) Assert.Equal(Text(e.GetProperty(p.Name)), Text(p.Value));
                }
            }
        }

        static string Text(JsonElement json) => json.ValueKind == JsonValueKind.String ? json.GetString()!
            : string.Join(",", json.EnumerateArray());
    }

    [Fact]
    public void UnknownFolder_IsRefusedByName()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(folder.Path,
            Assert.Throws<ArgumentException>(() => Dump.Run(folder.Path, folder.File("out"), TextWriter.Null)).Message,
            StringComparison.Ordinal);
    }

    private static IEnumerable<string> Copied(FixtureKind kind) =>
        Directory.GetDirectories(FixtureFolders.Copies!).Where(f => FixtureFolders.KindOf(f) == kind).Select(f => Path.GetFileName(f)!)
        .Order(StringComparer.Ordinal);

    private static JsonElement Json(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        return json.RootElement.Clone();
    }

    private static List<JsonObject> Objects(JsonNode? array) => [.. array?.AsArray().Select(o => o!.AsObject()) ?? []];

    private static void KeepOnly(JsonObject json, params string[] keys)
    {
        foreach (var key in json.Select(p => p.Key).Except(keys).ToArray()) json.Remove(key);
    }

    private static void Edit(string path, Action<JsonObject> edit)
    {
        var root = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        edit(root);
        File.WriteAllText(path, root.ToJsonString());
    }
}
