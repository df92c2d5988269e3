using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Generation;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Text;
using Xunit;

namespace D2Pruner.AI.Tests.Models;

/// <summary>Values of configurations that no model means: named with their range before anything is made of that size; and
/// damaged files of every kind, typed.</summary>
[Collection(TorchCollection.Name)]
public sealed class DamagedConfigurationTests
{
    public static TheoryData<string, string, string, string> OutOfRange => new()
    {
        { "llava-1.5-a", "config.json", "text_config.num_hidden_layers", "100000" },
        { "llava-1.5-a", "config.json", "text_config.hidden_size", "2147483647" },
        { "llava-1.5-a", "config.json", "text_config.vocab_size", "2147483647" },
        { "llava-1.5-a", "config.json", "text_config.intermediate_size", "1000000000" },
        { "llava-1.5-a", "config.json", "text_config.num_attention_heads", "0" },
        { "llava-1.5-a", "config.json", "text_config.max_position_embeddings", "2147483647" },
        { "llava-1.5-a", "config.json", "text_config.rms_norm_eps", "1e999" },
        { "llava-1.5-a", "config.json", "text_config.rope_theta", "-1" },
        { "llava-1.5-a", "config.json", "vision_config.num_hidden_layers", "100000" },
        { "llava-1.5-a", "config.json", "vision_config.image_size", "1000000" },
        { "llava-1.5-a", "config.json", "vision_config.patch_size", "200" },
        { "llava-1.5-a", "preprocessor_config.json", "rescale_factor", "1e999" },
        { "llava-1.5-a", "preprocessor_config.json", "image_std", "[0, 1, 1]" },
        { "llava-1.5-a", "preprocessor_config.json", "crop_size", "2147483647" },
        { "llava-next-vicuna", "config.json", "image_grid_pinpoints", "[[2147483520, 2147483520]]" },
        { "qwen2.5-vl-nested", "config.json", "vision_config.temporal_patch_size", "65536" },
        { "qwen2.5-vl-nested", "config.json", "vision_config.depth", "100000" },
        { "qwen2.5-vl-nested", "config.json", "vision_config.spatial_merge_size", "65536" },
        { "qwen2.5-vl-nested", "config.json", "image_token_id", "2147483647" },
        { "qwen2.5-vl-nested", "preprocessor_config.json", "min_pixels", "2147483647" },
        { "qwen2.5-vl-nested", "preprocessor_config.json", "max_pixels", "2147483647" },
        { "internvl-hf", "preprocessor_config.json", "max_patches", "100000" },
        { "internvl-hf", "config.json", "downsample_ratio", "1e-9" },
        { "internvl-qwen2", "config.json", "max_dynamic_patch", "4096" },
        { "internvl-qwen2", "config.json", "max_dynamic_patch", "2147483647" },
        { "internvl-qwen2", "config.json", "force_image_size", "2147483647" },
        // Each value plausible alone, and together more memory than an image may take.
        { "internvl-internlm2", "config.json", "force_image_size", "2744" },
        { "llava-next-vicuna", "config.json", "image_grid_pinpoints", "[[4032, 4032]]" },
        { "llava-1.5-a", "preprocessor_config.json", "crop_size", "4088" },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public void ValueBeyondAnyModel_IsNamedBeforeMemoryIsTaken(string fixture, string file, string key, string value)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, fixture, "model"), f => f.EndsWith(".json", StringComparison.Ordinal));
        Set(Path.Combine(model, file), key, value);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<CheckpointException>(() =>
        {
            var blueprint = ModelFamilies.Read(CheckpointFolder.Open(model));
            blueprint.Plan();
            blueprint.ImageProcessor(default).Plan(640, 480);
        });
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Contains(key.Split('.')[^1], error.Message, StringComparison.Ordinal);
        Assert.True(allocated < 16 << 20, $"{allocated >> 20} MB were allocated");
    }

    [Theory]
    [InlineData("eos_token_id", "3000000000")]
    [InlineData("eos_token_id", "[\"</s>\"]")]
    [InlineData("eos_token_id", "\"</s>\"")]
    [InlineData("eos_token_id", "[-1]")]
    [InlineData("eos_token_id", "{}")]
    [InlineData("temperature", "1e999")]
    [InlineData("temperature", "-0.1")]
    [InlineData("temperature", "\"hot\"")]
    [InlineData("top_p", "-1")]
    [InlineData("top_p", "0")]
    [InlineData("top_p", "1.5")]
    [InlineData("top_k", "-3")]
    [InlineData("top_k", "1e30")]
    [InlineData("repetition_penalty", "0")]
    public void GenerationSettingThatMeansNothing_IsRefused(string key, string value)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), "{}");
        File.WriteAllText(folder.File("generation_config.json"), $$"""{"{{key}}": {{value}}}""");
        var error = Assert.Throws<CheckpointException>(() => GenerationDefaults.Read(CheckpointFolder.Open(folder.Path)));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        File.WriteAllText(folder.File("generation_config.json"),
            """{"eos_token_id": [7, 8], "temperature": 0, "top_p": 0.001, "top_k": 0, "repetition_penalty": null}""");
        var read = GenerationDefaults.Read(CheckpointFolder.Open(folder.Path));
        Assert.Equal([7, 8], read.StopIds.Order());
        Assert.Equal((0, 0.001, 0, null), (read.Temperature, read.TopP, read.TopK, read.RepetitionPenalty));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("preprocessor_config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("chat_template.jinja")]
    [InlineData("model.safetensors")]
    [InlineData("d2pruner-priors.safetensors")]
    public async Task DamagedFile_OfEveryKind_IsTyped(string name)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        var path = Path.Combine(model, name);
        byte[][] damages = [[], "{"u8.ToArray(), "[]"u8.ToArray(), "{\"\\ud800\":1}"u8.ToArray(),
            [(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)':', (byte)'1', (byte)'}'], "\0\0\0\0"u8.ToArray()];
        foreach (var damage in damages)
        {
            File.WriteAllBytes(path, damage);
            var e = Record.Exception(() => Load(model).Dispose());
            // A template is only compared: any text will do, if it is text.
            if (e is null) Assert.Equal("chat_template.jinja", name);
            else Assert.True(e is CheckpointException or SafetensorsException or TokenizerException, e.ToString());
        }

        File.Delete(path);
        Directory.CreateDirectory(path);
        // A folder is no file: as if there were none.
        if (Record.Exception(() => Load(model).Dispose()) is { } other)
            Assert.True(other is CheckpointException or SafetensorsException or TokenizerException, other.ToString());
        Directory.Delete(path);
        if (!OperatingSystem.IsLinux()) return;
        Fifo.Create(path);
        var pipe = await Assert.ThrowsAnyAsync<Exception>(() => Task.Run(() => Load(model).Dispose()).WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.True(pipe is CheckpointException or SafetensorsException or TokenizerException, pipe.ToString());
        Assert.Contains("a pipe", pipe.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a post-processor's id that no token has")]
    [InlineData("an added token without content")]
    [InlineData("an added token whose content is a number")]
    [InlineData("a merge of numbers")]
    [InlineData("no tokenizer")]
    public void DamagedTokenizer_IsATokenizerException(string damage)
    {
        using var folder = new TemporaryFolder();
        var model = folder.Copy(Path.Combine(FixtureFolders.Copies!, "llava-1.5-a", "model"));
        var path = Path.Combine(model, "tokenizer.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        switch (damage)
        {
            case "a post-processor's id that no token has":
                File.Delete(Path.Combine(model, "tokenizer_config.json")); // Llama's class makes a post-processor of its own
                json["post_processor"] = JsonNode.Parse("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[99999999],"tokens":["<s>"]}}}""");
                break;
            case "an added token without content":
                json["added_tokens"]!.AsArray()[0]!["content"] = null;
                break;
            case "an added token whose content is a number":
                json["added_tokens"]!.AsArray()[0]!["content"] = 7;
                break;
            case "a merge of numbers":
                json["model"]!["merges"] = new JsonArray(new JsonArray(1, 2));
                break;
        }

        File.WriteAllText(path, json.ToJsonString(new JsonSerializerOptions { MaxDepth = 200 }));
        if (damage == "no tokenizer") File.Delete(path);
        Assert.IsType<TokenizerException>(Record.Exception(() => Load(model).Dispose()));
    }

    private static VisionLanguageModel Load(string path) =>
        ModelLoader.LoadModel(new VisionModelOptions { ModelPath = path, Device = "cpu" }, logger: new Provider.CollectingLogger());

    private static void Set(string path, string key, string value)
    {
        var root = JsonNode.Parse(File.Exists(path) ? File.ReadAllText(path) : "{}")!.AsObject();
        var at = root;
        var parts = key.Split('.');
        foreach (var part in parts[..^1]) at = (at[part] ??= new JsonObject()).AsObject();
        at[parts[^1]] = JsonNode.Parse(value);
        File.WriteAllText(path, root.ToJsonString());
    }
}
