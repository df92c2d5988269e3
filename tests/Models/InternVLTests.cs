using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Tests.Provider;
using TorchSharp;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>What the golden InternVL folders do not hold.</summary>
[Collection(TorchCollection.Name)]
public sealed class InternVLTests
{
    [Fact]
    public void PixelShuffleV1_IsTheTransposeOfV2()
    {
        using var folder = new TemporaryFolder();
        using var v2 = Load(Copy(folder, "internvl-qwen2", "v2", _ => { }));
        using var v1 = Load(Copy(folder, "internvl-qwen2", "v1", c => c["ps_version"] = "v1"));
        var (a, b) = (Encode(v2), Encode(v1));
        const int Side = 4;
        Assert.NotEqual(a[1], b[1]);
        for (var r = 0; r < Side; r++) for (var c = 0; c < Side; c++) Assert.Equal(a[r * Side + c], b[c * Side + r]);
    }

    [Fact]
    public void OtherTileSize_InterpolatesThePositions()
    {
        using var folder = new TemporaryFolder();
        using var model = Load(Copy(folder, "internvl-qwen2", "small", c => c["force_image_size"] = 84));
        var tokens = Encode(model);
        Assert.Equal(9, tokens.Length); // (84 / 14 / 2)²
        Assert.All(tokens.SelectMany(t => t), v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void OldStyleNames_LoadTheSame()
    {
        using var folder = new TemporaryFolder();
        var old = Copy(folder, "internvl-hf", "old", _ => { });
        var path = Path.Combine(old, "model.safetensors");
        var writer = new SafetensorsWriter();
        using (var file = SafetensorsFile.Open(path))
        {
            foreach (var name in file.Names)
            {
                using var tensor = file.Read(name);
                var renamed = name.StartsWith("model.language_model.", StringComparison.Ordinal)
                    ? "language_model.model." + name["model.language_model.".Length..]
                    : name.StartsWith("lm_head.", StringComparison.Ordinal) ? "language_model." + name
                    : name.StartsWith("model.", StringComparison.Ordinal) ? name["model.".Length..] : name;
                Assert.NotEqual(name, renamed);
                writer.Add(renamed, tensor);
            }
        }

        writer.Write(path);
        using var renamedModel = Load(old);
        using var model = Load(Path.Combine(FixtureFolders.Copies!, "internvl-hf", "model"));
        Assert.Equal(Encode(model), Encode(renamedModel));
    }

    [Fact]
    public void AbsentImageToken_IsTakenFromTheTokenizer()
    {
        using var folder = new TemporaryFolder();
        using var model = Load(Copy(folder, "internvl-hf", "silent", c => c.Remove("image_token_id")));
        Assert.Contains(458L, model.Encode(
            [new ChatTurn("user", [new ImagePart(Picture()), new TextPart("What?")])], null, default).TokenIds);
    }

    [Theory]
    [InlineData("internvl-qwen2", "select_layer", 0)]
    [InlineData("internvl-qwen2", "select_layer", -4)]
    [InlineData("internvl-hf", "vision_feature_layer", 9)]
    public void FeatureLayerOutsideTheTower_IsRefused(string fixture, string key, int layer)
    {
        using var folder = new TemporaryFolder();
        var path = Copy(folder, fixture, "bad", c => c[key] = layer);
        Assert.Contains($"feature layer {layer}", Assert.Throws<CheckpointException>(() => Load(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("internvl-hf", true)]
    [InlineData("internvl-hf", false)]
    [InlineData("llava-1.5-a", true)]
    [InlineData("llava-1.5-a", false)]
    [InlineData("llava-next-vicuna", true)]
    [InlineData("llava-next-vicuna", false)]
    public void TiedHead_MayBeSaidInEitherPlace(string fixture, bool atTheTop)
    {
        using var folder = new TemporaryFolder();
        var path = Copy(folder, fixture, "tied", c =>
        {
            c["tie_word_embeddings"] = atTheTop;
            c["text_config"]!["tie_word_embeddings"] = !atTheTop;
        });
        var plan = ModelFamilies.Read(CheckpointFolder.Open(path)).Plan();
        Assert.True(plan.Tensors.Single(t => t.Name == "lm_head.weight").Optional);
    }

    // In Qwen2's vocabulary 2, Llama's stop, is '#'.
    [Fact]
    public void StopIds_AreTheTextModelsAndTheTemplates_NotLlamas()
    {
        using var folder = new TemporaryFolder();
        using var silent = Load(WithoutStops("silent", c => c.Remove("eos_token_id")));
        Assert.Equal([silent.Tokenizer.TokenToId("<|im_end|>")!.Value], silent.Generation.StopIds);
        using var own = Load(WithoutStops("own", c => c["eos_token_id"] = 440));
        Assert.Contains(440, own.Generation.StopIds);
        Assert.DoesNotContain(2, own.Generation.StopIds);

        string WithoutStops(string name, Action<JsonObject> change)
        {
            var path = Copy(folder, "internvl-qwen2", name, c => change(c["llm_config"]!.AsObject()));
            File.WriteAllText(Path.Combine(path, "generation_config.json"), "{}");
            return path;
        }
    }

    // The makers' code writes "None" of null, and the template's message where the key is absent.
    [Fact]
    public void NullSystemMessage_IsTheTemplates_AndIsReported()
    {
        using var folder = new TemporaryFolder();
        var (ofAbsent, ofNull) = (new CollectingLogger(), new CollectingLogger());
        using var absent = Load(Copy(folder, "internvl-qwen2", "absent", c => c.Remove("system_message")), ofAbsent);
        using var none = Load(Copy(folder, "internvl-qwen2", "null", c => c["system_message"] = null), ofNull);
        ChatTurn[] turns = [new ChatTurn("user", [new TextPart("What?")])];
        Assert.Equal(absent.Encode(turns, null, default).Text, none.Encode(turns, null, default).Text);
        Assert.DoesNotContain(ofAbsent.Lines, l => l.Contains("system_message", StringComparison.Ordinal));
        Assert.StartsWith("Warning: ", Assert.Single(ofNull.Lines, l => l.Contains("system_message", StringComparison.Ordinal)),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("internvl-hf", "internvl")]
    [InlineData("internvl-qwen2", "internvl_chat")]
    [InlineData("llava-1.5-a", "llava")]
    [InlineData("llava-next-vicuna", "llava_next")]
    [InlineData("qwen2.5-vl-flat", "qwen2_5_vl")]
    public void ModelType_MayBeLeftOut(string fixture, string family)
    {
        using var folder = new TemporaryFolder();
        var path = Copy(folder, fixture, "untyped", c => c.Remove("model_type"));
        Assert.Equal(family, ModelFamilies.Read(CheckpointFolder.Open(path)).Family);
    }

    private static string Copy(TemporaryFolder folder, string fixture, string name, Action<JsonObject> change)
    {
        var target = Directory.CreateDirectory(folder.File(name)).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(FixtureFolders.Copies!, fixture, "model")))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        var path = Path.Combine(target, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(config);
        File.WriteAllText(path, config.ToJsonString());
        return target;
    }

    private static VisionLanguageModel Load(string path, CollectingLogger? logger = null) => ModelLoader.LoadModel(
        new VisionModelOptions { ModelPath = path, Device = "cpu", Precision = ModelPrecision.Float32 }, logger: logger);

    private static byte[] Picture() => File.ReadAllBytes(Path.Combine(FixtureFolders.Copies!, "internvl-hf", "images", "p1.png"));

    // Features of the first tile, a row per token.
    private static float[][] Encode(VisionLanguageModel model)
    {
        using var inference = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        var image = model.ImageProcessor.Process(ImageDecoder.Decode(Picture()));
        var features = model.Vision.Encode(image, false, default).Features;
        var side = (int)Math.Sqrt(image.TokenCount / image.PixelShape[0]);
        return [.. Enumerable.Range(0, side * side).Select(i => features[i].to(torch.ScalarType.Float32).data<float>().ToArray())];
    }
}
