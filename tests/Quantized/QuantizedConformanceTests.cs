using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;
using D2Pruner.AI.Runtime.Decoder;
using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Layers;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Tests.Conformance;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace D2Pruner.AI.Tests.Quantized;

/// <summary>Every case of the fixtures' <c>quantized</c> folder: exact weights, equal logits, or a refusal by name.</summary>
[Trait("Category", "Conformance")]
[Collection(TorchCollection.Name)]
public sealed class QuantizedConformanceTests
{
    public static TheoryData<string> Readable() =>
        [.. QuantizedCase.All().Where(c => !c.IsRefused).Select(c => c.Name).DefaultIfEmpty(NoRows.Label)];

    public static TheoryData<string> Refused() =>
        [.. QuantizedCase.All().Where(c => c.IsRefused).Select(c => c.Name).DefaultIfEmpty(NoRows.Label)];

    [SkippableTheory]
    [MemberData(nameof(Readable))]
    public void Weights_AreTheGoldens_BitForBit(string name)
    {
        var c = Case(name);
        AssertGoldens(c, c.Model);
    }

    // config.json has two groups of one shape: the tensors tell which a map belongs to, not the order.
    [Fact]
    public void SymmetricGroupBeforeTheOwn_HidesNoZeroPoints()
    {
        var c = new QuantizedCase(Path.Combine(FixtureFolders.Copies!, "quantized", "ct-pack4-asym"));
        using var temporary = new TemporaryFolder();
        var model = temporary.Copy(c.Model);
        var path = Path.Combine(model, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        var quantization = config["quantization_config"]!.AsObject();
        var own = quantization["config_groups"]!["group_0"]!;
        var other = own.DeepClone();
        other["weights"]!["symmetric"] = true;
        quantization["config_groups"] = new JsonObject { ["group_0"] = other, ["group_1"] = own.DeepClone() };
        File.WriteAllText(path, config.ToJsonString());
        AssertGoldens(c, model);
    }

    // Old compressed-tensors files; some name the method outside too. What is sparse is said outside.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ConfigurationInsideAnother_IsFound(bool namedOutside)
    {
        var c = new QuantizedCase(Path.Combine(FixtureFolders.Copies!, "quantized", "ct-pack4-asym"));
        using var temporary = new TemporaryFolder();
        var model = temporary.Copy(c.Model);
        var path = Path.Combine(model, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        var outer = new JsonObject
        {
            ["quantization_config"] = config["quantization_config"]!.DeepClone(),
            ["sparsity_config"] = new JsonObject { ["format"] = "dense" },
        };
        if (namedOutside) outer["quant_method"] = "compressed-tensors";
        config["quantization_config"] = outer;
        File.WriteAllText(path, config.ToJsonString());
        AssertGoldens(c, model);
        outer["sparsity_config"]!["format"] = "sparse-bitmask";
        File.WriteAllText(path, config.ToJsonString());
        var e = Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(model));
        Assert.Contains("'sparse-bitmask'", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "layers.0.mlp.down_proj.weight' is I8")]
    [InlineData(true, "layers.0.mlp.down_proj.weight_scale' of shape [64, 1] is missing")]
    public void Int8WeightWithoutScale_IsNamed(bool configured, string expected)
    {
        var source = Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model");
        using var temporary = new TemporaryFolder();
        var model = temporary.Copy(source);
        if (configured)
        {
            var path = Path.Combine(model, "config.json");
            var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            config["quantization_config"] = JsonNode.Parse(
                """
                { "quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": { "group_0": { "weights":
                  { "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel" } } } }
                """);
            File.WriteAllText(path, config.ToJsonString());
        }

        var writer = new SafetensorsWriter();
        using (var file = SafetensorsFile.Open(Path.Combine(source, "model.safetensors")))
        {
            foreach (var name in file.Names)
            {
                ScalarType? type = name.EndsWith("layers.0.mlp.down_proj.weight", StringComparison.Ordinal) ? ScalarType.Int8 : null;
                using var tensor = file.Read(name, type);
                writer.Add(name, tensor);
            }
        }

        writer.Write(Path.Combine(model, "model.safetensors"));
        AssertNames(model, expected);
    }

    [Fact]
    public void Float8WeightWithoutScale_IsNamed()
    {
        using var temporary = new TemporaryFolder();
        var model = temporary.Copy(Path.Combine(FixtureFolders.Copies!, "quantized", "ct-fp8-channel", "model"));
        var path = Path.Combine(model, "model.safetensors");
        var bytes = File.ReadAllBytes(path);
        var scale = "layers.0.mlp.down_proj.weight_scale"u8;
        var at = bytes.AsSpan().IndexOf(scale);
        Assert.True(at > 0);
        bytes[at + scale.Length - 1] = (byte)'x'; // another name of the same length
        File.WriteAllBytes(path, bytes);
        AssertNames(model, "layers.0.mlp.down_proj.weight_scale' of shape [64, 1] is missing");
    }

    private static void AssertNames(string model, string expected)
    {
        var e = Assert.Throws<CheckpointException>(
            () => ModelLoader.LoadModel(new VisionModelOptions { ModelPath = model, Device = "cpu" }));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    private static void AssertGoldens(QuantizedCase c, string model)
    {
        var folder = CheckpointFolder.Open(model);
        Assert.NotNull(folder.Quantization);
        var blueprint = ModelFamilies.Read(folder);
        using var weights = CheckpointWeights.Open(folder);
        weights.Check(blueprint.Plan(), blueprint.Names, blueprint.Unused); // nothing left over, nothing missing
        var goldens = c.Weights();
        var found = new HashSet<string>();
        foreach (var module in weights.QuantizedModules)
        {
            var stored = goldens.Keys.Single(k => k == module || k == blueprint.Names.ToOld(module + ".x")[..^2]);
            found.Add(stored);
            var (shape, values) = goldens[stored];
            var matrix = weights.ReadQuantized(module, shape[0], shape[1]);
            var row = new float[shape[1]];
            for (var r = 0; r < shape[0]; r++)
            {
                matrix.Row(r, row);
                AssertBits(values.AsSpan(r * row.Length, row.Length), row, module);
            }

            if (KernelMatrix.CanPack(matrix)) AssertPacked(matrix, values, module);
        }

        Assert.Equal(c.Quantized.Order(), found.Order());
        Assert.Empty(found.Intersect(c.Dense));
    }

    [SkippableTheory]
    [MemberData(nameof(Readable))]
    public void Logits_EqualThoseOfTheDenseWeights(string name)
    {
        var c = Case(name);
        using var temporary = new TemporaryFolder();
        var dense = Path.Combine(temporary.Path, "dense");
        c.WriteDense(dense);
        using var quantizedModel =
            ModelLoader.LoadModel(new VisionModelOptions { ModelPath = c.Model, Device = "cpu", Precision = ModelPrecision.Float32 });
        using var denseModel = ModelLoader.LoadModel(
            new VisionModelOptions { ModelPath = dense, Device = "cpu", Precision = ModelPrecision.Float32 });
        foreach (var length in new[] { 5, 40 }) // by the kernels, and in blocks made dense
        {
            var (expected, actual) = (Logits(denseModel.Decoder, length), Logits(quantizedModel.Decoder, length));
            for (var i = 0; i < expected.Length; i++) Assert.InRange(actual[i], expected[i] - 1e-4, expected[i] + 1e-4);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Readable))]
    public void SixteenBitWeights_AreTheExactProductRoundedOnce(string name)
    {
        var c = Case(name);
        using var model = ModelLoader.LoadModel(new VisionModelOptions { ModelPath = c.Model, Device = "cpu" });
        var goldens = c.Weights();
        var layer = model.Decoder.Weights.Layers[0];
        var golden = goldens.Single(
            g => g.Key.EndsWith("layers.0.mlp.down_proj", StringComparison.Ordinal)
            || g.Key.EndsWith("layers.0.feed_forward.w2", StringComparison.Ordinal)).Value;
        using var weight = layer.Down.Dequantize(ScalarType.BFloat16);
        using var wide = weight.to(ScalarType.Float32);
        float[] expected = [.. golden.Values.Select(v => BFloat16Bits.ToFloat(BFloat16Bits.Round(v)))];
        AssertBits(expected, wide.data<float>().ToArray(), "down");
    }

    [SkippableTheory]
    [MemberData(nameof(Refused))]
    public void Refusal_ComesFromTheConfigurationAlone_AndSaysWhatToDo(string name)
    {
        var c = Case(name);
        var e = Assert.Throws<CheckpointException>(
            () => ModelLoader.LoadModel(new VisionModelOptions { ModelPath = c.Model, Device = "cpu" }));
        foreach (var word in c.MessageNames) Assert.Contains(word, e.Message, StringComparison.Ordinal);
        Assert.Contains("Get the checkpoint in", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("safetensors", e.Message, StringComparison.Ordinal);
    }

    private static QuantizedCase Case(string name)
    {
        NoRows.SkipIfNone(name);
        return QuantizedCase.All().Single(c => c.Name == name);
    }

    private static unsafe void AssertPacked(QuantizedMatrix matrix, float[] values, string module)
    {
        using var packed = KernelMatrix.Pack(matrix, null, []);
        var all = new float[values.Length];
        fixed (float* p = all) DequantizeKernel.Rows(packed, 0, packed.Outputs, (nint)p, bfloat16: false);
        AssertBits(values, all, module + " (packed)");
    }

    private static void AssertBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string module)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            if (BitConverter.SingleToUInt32Bits(expected[i]) != BitConverter.SingleToUInt32Bits(actual[i]))
                Assert.Fail($"{module}: {expected[i]:R} expected, {actual[i]:R} found at {i}");
        }
    }

    private static float[] Logits(TextDecoder decoder, int length)
    {
        using var scope = NewDisposeScope();
        using var none = inference_mode();
        long[] ids = [.. Enumerable.Range(0, length).Select(i => (long)((i * 7 + 3) % Math.Min(decoder.Config.VocabularySize, 200)))];
        long[] positions = [.. Enumerable.Range(0, length).Select(i => (long)i)];
        var (cos, sin) = decoder.RotaryTable(decoder.Config.MropeSections is null ? [positions] : [positions, positions, positions]);
        var x = decoder.Embed(ids);
        foreach (var layer in decoder.Weights.Layers)
            x = DecoderLayer.Forward(x, layer, decoder.Config, cos, sin, (q, k, v) => Attention.Fused(q, k, v, causal: true));
        return [.. decoder.Head(decoder.FinalNorm(x)).reshape(-1).data<float>()];
    }
}
