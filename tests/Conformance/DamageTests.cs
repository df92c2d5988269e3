using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Conformance;

/// <summary>
/// Proof that the conformance tests can fail: one number of a copied expectation is changed by little more than its tolerance, and the
/// comparison that the tests use must see it.
/// </summary>
[Collection(TorchCollection.Name)]
[Trait("Category", "Conformance")]
public sealed class DamageTests
{
    // Twice and a half the README's tolerance, written down here again on purpose: a tolerance made wider by mistake shows.
    private const double Factor = 2.5;

    public static TheoryData<string> Models() => DumpTests.Models();

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void OneNumber_InAnyTensor_IsNoticed(string fixture)
    {
        var (source, name) = Supported(fixture);
        using var folder = new TemporaryFolder();
        var copy = folder.Copy(source, f => f.StartsWith("expected", StringComparison.Ordinal) || f == "cases.json");
        var (intact, result, decode) = (ModelGolden.Read(copy, name), ModelFixture.Result(source, name), ModelFixture.Decode(source));
        var path = ModelGolden.TensorFile(copy, intact.Case);
        var bytes = File.ReadAllBytes(path);
        foreach (var (tensor, entry) in Entries(path))
        {
            var group = ModelChecks.GroupOf(tensor);
            Assert.Empty(ModelChecks.Compare(intact, result, group, decode));
            foreach (var element in new[] { 0, entry.Count / 2, entry.Count - 1 }.Distinct())
            {
                var damaged = (byte[])bytes.Clone();
                Change(damaged.AsSpan((int)(entry.Offset + element * entry.Bytes / entry.Count)), tensor, entry.Type);
                File.WriteAllBytes(path, damaged);
                Assert.True(ModelChecks.Compare(ModelGolden.Read(copy, name), result, group, decode).Any(),
                    $"{tensor}[{element}]: the change was not noticed");
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void OneField_OfCasesJson_IsNoticed(string fixture)
    {
        var (source, name) = Supported(fixture);
        using var folder = new TemporaryFolder();
        var copy = folder.Copy(source, f => f.StartsWith("expected", StringComparison.Ordinal) || f == "cases.json");
        var (result, decode) = (ModelFixture.Result(source, name), ModelFixture.Decode(source));
        var (path, text) = (Path.Combine(copy, "cases.json"), File.ReadAllText(Path.Combine(copy, "cases.json")));
        var intact = ModelGolden.Read(copy, name);
        foreach (var (group, field, change) in Changes(intact))
        {
            var root = JsonNode.Parse(text)!;
            change(root["cases"]!.AsArray().First(c => c!["name"]!.GetValue<string>() == name)!.AsObject());
            File.WriteAllText(path, root.ToJsonString());
            Assert.True(ModelChecks.Compare(ModelGolden.Read(copy, name), result, group, decode).Any(),
                $"{group}, {field}: the change was not noticed");
        }
    }

    [Fact]
    public void LongerAnswer_ThanTheGoldenOneThatStopped_IsNoticed()
    {
        var (golden, longer) = (Blob.Of([5L, 2L]), Blob.Of([5L, 2L, 7L]));
        Assert.Empty(Expectation.Compare("greedy_ids", golden, longer, [9]));
        Assert.NotEmpty(Expectation.Compare("greedy_ids", golden, longer, [2]));
        Assert.NotEmpty(Expectation.Compare("greedy_ids", longer, golden, [9]));
    }

    [Theory]
    [InlineData("hidden.1", new long[] { 2, 3 }, new long[] { 3, 2 })]
    [InlineData("logits", new long[] { 2, 3 }, new long[] { 3, 2 })]
    [InlineData("vision_features", new long[] { 6 }, new long[] { 2, 3 })]
    public void OtherShape_OfAsManyNumbers_IsNoticed(string tensor, long[] expected, long[] actual) =>
        Assert.NotEmpty(Expectation.Compare(tensor, Blob.Of(new float[6], expected), Blob.Of(new float[6], actual)));

    [Fact]
    public void NotANumber_AndMissingTensor_AreNoticed()
    {
        Assert.NotEmpty(Expectation.Compare("logits", Blob.Of([1f], 1, 1), Blob.Of([float.NaN], 1, 1)));
        Assert.NotEmpty(Expectation.Compare("logits", Blob.Of([1f], 1, 1), null));
    }

    [Theory]
    [InlineData("pruned.theta-0.8.kept", "theta-0.8", "kept")]
    [InlineData("pruned.hidden.3.logits.logits", "hidden.3.logits", "logits")]
    [InlineData("pruned.x.image12.a_rel", "x", "a_rel")]
    [InlineData("pruned.attention_row.hidden.6", "attention_row", "hidden")]
    [InlineData("attention_row.11", null, "attention_row")]
    [InlineData("pruned.x.unheard_of", null, "pruned.x.unheard_of")]
    public void Names_OfPrunings_AreFree(string tensor, string? pruning, string quantity) =>
        Assert.Equal((pruning, quantity), (TensorName.PruningOf(tensor), TensorName.QuantityOf(tensor)));

    [Fact]
    public void OneField_OfASelection_IsNoticed()
    {
        using var runner = new SelectionRunner(Path.Combine(FixtureFolders.Copies!, "selection"));
        foreach (var c in runner.Cases.GroupBy(c => c.GetProperty("method").GetString())
            .Select(g => g.First(c => !c.TryGetProperty("edges", out var e) || (e.GetInt64() > 0 && c.GetProperty("n").GetInt32() > 1))))
        {
            var actual = JsonSerializer.SerializeToElement(runner.Compute(c));
            Assert.Empty(SelectionConformanceTests.Compare(c, actual));
            foreach (var (field, change) in SelectionChanges().Where(x => c.TryGetProperty(x.Field, out _)))
            {
                var damaged = JsonNode.Parse(c.GetRawText())!.AsObject();
                change(damaged);
                Assert.True(SelectionConformanceTests.Compare(JsonSerializer.SerializeToElement(damaged), actual).Any(),
                    $"{field}: the change was not noticed");
            }
        }
    }

    [Fact]
    public void OneNumber_OfAPicture_IsNoticed()
    {
        var runner = new ImagesRunner(Path.Combine(FixtureFolders.Copies!, "images"));
        var resized = runner.Resize(runner.ResizeCases[0]);
        Assert.NotEmpty(Expectation.Compare("resize", Blob.Of(Off(resized, 1), resized.Shape), resized));
        var decoded = runner.Decode(runner.DecodeCases[0]);
        Assert.Empty(ImagesConformanceTests.CompareDecoded(Blob.Of(Off(decoded, 3), decoded.Shape), decoded, 3));
        Assert.NotEmpty(ImagesConformanceTests.CompareDecoded(Blob.Of(Off(decoded, 4), decoded.Shape), decoded, 3));

        var c = runner.ProcessorCases.First(x => ImagesRunner.Supports(x.GetProperty("processor").GetString()!));
        var processed = runner.Process(c);
        Assert.Empty(ImagesConformanceTests.CompareProcessed(c, processed));
        Action<JsonObject>[] changes =
        [
            j => j["tokens"] = j["tokens"]!.GetValue<int>() + 1,
            j => j["shape"]![0] = j["shape"]![0]!.GetValue<int>() + 1,
            j => j["sha256"] = j["sha256"]!.GetValue<string>() is var hash && hash[0] == '0' ? "1" + hash[1..] : "0" + hash[1..],
            j => j["samples"]!["value"]![0] = j["samples"]!["value"]![0]!.GetValue<double>() + Factor * 1e-6,
        ];
        foreach (var change in changes)
        {
            var damaged = JsonNode.Parse(c.GetRawText())!.AsObject();
            change(damaged);
            Assert.NotEmpty(ImagesConformanceTests.CompareProcessed(JsonSerializer.SerializeToElement(damaged), processed));
        }

        static byte[] Off(Blob blob, int by)
        {
            var data = (byte[])((byte[])blob.Data).Clone();
            data[data.Length / 2] = (byte)(data[data.Length / 2] + (data[data.Length / 2] < 128 ? by : -by));
            return data;
        }
    }

    private static (string Folder, string Case) Supported(string fixture)
    {
        var folder = Path.Combine(FixtureFolders.Copies!, fixture);
        Skip.IfNot(ModelFixture.IsSupported(folder), $"the family '{ModelFixture.Family(folder)}' is not supported yet");
        return (folder, ModelCase.Read(folder).OrderByDescending(c => c.Prunings.Count).First().Name);
    }

    private static IEnumerable<(string Name, TensorEntry Entry)> Entries(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return [.. file.Names.Select(n => (n, file.Find(n)!)).Where(e => e.Item2.Count > 0)];
    }

    private static void Change(Span<byte> at, string tensor, torch.ScalarType type)
    {
        if (type == torch.ScalarType.Byte) at[0] ^= 1;
        else if (type == torch.ScalarType.Int64)
            BinaryPrimitives.WriteInt64LittleEndian(at, BinaryPrimitives.ReadInt64LittleEndian(at) + 1);
        else BinaryPrimitives.WriteSingleLittleEndian(at, Off(tensor, BinaryPrimitives.ReadSingleLittleEndian(at)));
    }

    private static float Off(string tensor, float value)
    {
        double tolerance = tensor == "pixel_values" ? 1e-6
            : tensor.StartsWith("attention_row.", StringComparison.Ordinal) ? 1e-5
            : tensor.Contains("hidden.", StringComparison.Ordinal) ? 1e-4 * (1 + Math.Abs(value))
            : tensor.EndsWith("a_rel", StringComparison.Ordinal) || tensor.EndsWith("prior", StringComparison.Ordinal)
            ? 1e-4 * Math.Abs(value)
            : 1e-4;
        return (float)(value + Factor * tolerance);
    }

    private static IEnumerable<(string Group, string Field, Action<JsonObject> Change)> Changes(ModelGolden golden)
    {
        static void Increase(JsonNode parent, string key) => parent[key] = parent[key]!.GetValue<int>() + 1;
        yield return (ModelChecks.Fields, "prompt", c => c["prompt"] = c["prompt"]!.GetValue<string>() + " ");
        yield return (ModelChecks.Fields, "next_position", c => Increase(c, "next_position"));
        yield return ("greedy", "text", c => c["text"] = c["text"]!.GetValue<string>()[..^1]);
        foreach (var key in new[] { "rows", "cols" })
            yield return (ModelChecks.Fields, key, c => Increase(c["layout"]![0]!["components"]![0]!, key));
        yield return (ModelChecks.Fields, "component", c => c["layout"]![0]!["components"]![0]!["name"] = "other");
        yield return (ModelChecks.Fields, "positions", c => c["layout"]![0]!["components"]![0]!["positions"]![0] = 0);
        var prunings = golden.Case.GetProperty("prunings");
        for (var i = 0; i < prunings.GetArrayLength(); i++)
        {
            var p = i;
            var group = ModelChecks.GroupOfPruning(prunings[p].GetProperty("name").GetString()!);
            foreach (var key in new[] { "budgets", "kv_lengths" })
                yield return (group, key, c => c["prunings"]![p]![key]![0] = c["prunings"]![p]![key]![0]!.GetValue<int>() + 1);
            foreach (var key in new[] { "n", "pivots", "fill" })
                yield return (group, key, c => Increase(c["prunings"]![p]!["images"]![0]!, key));
            if (prunings[p].GetProperty("images")[0].GetProperty("n").GetInt32() >= golden.VisualTokens[0]) continue;
            foreach (var (field, change) in SelectionChanges().Where(x => x.Field is "edges" or "s_min" or "s_max"))
                yield return (group, field, c => change(c["prunings"]![p]!["images"]![0]!.AsObject()));
        }
    }

    private static IEnumerable<(string Field, Action<JsonObject> Change)> SelectionChanges()
    {
        yield return ("kept", j => Last(j["kept"]!.AsArray()));
        foreach (var key in new[] { "pivots", "fill" }) yield return (key, j => j[key] = j[key]!.GetValue<int>() + 1);
        yield return ("edges", j => j["edges"] = j["edges"]!.GetValue<long>() is var edges
            ? (long)(edges + Factor * Math.Max(2, 2e-5 * edges)) + 1 : 0);
        foreach (var key in new[] { "s_min", "s_max" }) yield return (key, j => j[key] = j[key]!.GetValue<double>() + Factor * 1e-5);
    }

    private static void Last(JsonArray array) => array[array.Count - 1] = array[array.Count - 1]!.GetValue<int>() + 1;
}
