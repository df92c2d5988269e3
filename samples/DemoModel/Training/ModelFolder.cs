using System.Text.Json.Nodes;
using D2Pruner.AI.DemoModel.Tokens;
using D2Pruner.AI.DemoModel.World;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Models.Llava;
using D2Pruner.AI.Runtime.Text;
using TorchSharp;

namespace D2Pruner.AI.DemoModel.Training;

/// <summary>Writes the files of a LLaVA-1.5 checkpoint folder; the trainer builds its model from them, as a server would.</summary>
internal static class ModelFolder
{
    public const int Width = 192;
    public const int TowerLayers = 6;
    public const int DecoderLayers = 12;

    /// <summary>Everything but the weights.</summary>
    public static void WriteConfiguration(string folder)
    {
        Directory.CreateDirectory(folder);
        var (tokenizer, size) = DemoTokenizer.Build();
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer);
        var (image, pad) = (size - 2, size - 1);
        var vocabulary = (size + 7) / 8 * 8;
        Write(folder, "config.json", new JsonObject
        {
            ["architectures"] = new JsonArray("LlavaForConditionalGeneration"),
            ["model_type"] = "llava",
            ["ignore_index"] = -100,
            ["image_token_index"] = image,
            ["image_seq_length"] = PatchLabels.GridSide * PatchLabels.GridSide,
            ["pad_token_id"] = pad,
            ["projector_hidden_act"] = "gelu",
            ["multimodal_projector_bias"] = true,
            ["tie_word_embeddings"] = false,
            ["torch_dtype"] = "bfloat16",
            ["vision_feature_layer"] = -1,
            ["vision_feature_select_strategy"] = "default",
            ["text_config"] = new JsonObject
            {
                ["architectures"] = new JsonArray("LlamaForCausalLM"), ["model_type"] = "llama", ["hidden_size"] = Width,
                    ["intermediate_size"] = 512,
                ["num_hidden_layers"] = DecoderLayers, ["num_attention_heads"] = 4, ["num_key_value_heads"] = 4,
                ["vocab_size"] = vocabulary, ["rms_norm_eps"] = 1e-5,
                ["max_position_embeddings"] = 2048, ["rope_theta"] = 10000.0, ["hidden_act"] = "silu", ["torch_dtype"] = "bfloat16",
            },
            ["vision_config"] = new JsonObject
            {
                ["model_type"] = "clip_vision_model", ["hidden_size"] = Width, ["intermediate_size"] = 4 * Width,
                    ["num_hidden_layers"] = TowerLayers, ["num_attention_heads"] = 4,
                ["image_size"] = Scene.Side, ["patch_size"] = PatchLabels.Patch, ["projection_dim"] = Width, ["hidden_act"] = "quick_gelu",
                ["layer_norm_eps"] = 1e-5, ["vocab_size"] = 32000,
            },
        });
        Write(folder, "generation_config.json",
            new JsonObject { ["_from_model_config"] = true, ["bos_token_id"] = 1, ["eos_token_id"] = 2, ["pad_token_id"] = pad });
        Write(folder, "preprocessor_config.json", new JsonObject
        {
            ["crop_size"] = new JsonObject { ["height"] = Scene.Side, ["width"] = Scene.Side },
            ["do_center_crop"] = true, ["do_convert_rgb"] = true, ["do_normalize"] = true, ["do_rescale"] = true, ["do_resize"] = true,
            ["image_mean"] = new JsonArray(0.48145466, 0.4578275, 0.40821073),
            ["image_std"] = new JsonArray(0.26862954, 0.26130258, 0.27577711),
            ["image_processor_type"] = "CLIPImageProcessor", ["processor_class"] = "LlavaProcessor", ["resample"] = 3,
            ["rescale_factor"] = 0.00392156862745098,
            ["size"] = new JsonObject { ["shortest_edge"] = Scene.Side },
        });
        Write(folder, "processor_config.json", new JsonObject
        {
            ["image_token"] = "<image>", ["num_additional_image_tokens"] = 1, ["patch_size"] = PatchLabels.Patch,
                ["processor_class"] = "LlavaProcessor",
            ["vision_feature_select_strategy"] = "default",
        });
        var tokens = new JsonObject();
        foreach (var (content, id) in (ReadOnlySpan<(string, int)>)[
            ("<unk>", 0), ("<s>", 1), ("</s>", 2), ("<image>", image), ("<pad>", pad)])
        {
            tokens[$"{id}"] = new JsonObject { ["content"] = content, ["lstrip"] = false, ["normalized"] = false, ["rstrip"] = false,
                ["single_word"] = false, ["special"] = true };
        }

        Write(folder, "tokenizer_config.json", new JsonObject
        {
            ["add_bos_token"] = true, ["add_eos_token"] = false, ["bos_token"] = "<s>", ["eos_token"] = "</s>", ["unk_token"] = "<unk>",
                ["pad_token"] = "<pad>",
            ["clean_up_tokenization_spaces"] = false, ["legacy"] = true, ["model_max_length"] = 2048, ["padding_side"] = "left",
            ["tokenizer_class"] = "LlamaTokenizer",
            ["image_token"] = "<image>", ["added_tokens_decoder"] = tokens,
        });
        Write(folder, "chat_template.json", new JsonObject { ["chat_template"] = Template });
    }

    /// <summary>The model's own tensors of a flat vector, in bf16, under the names of the published LLaVA-1.5 files.</summary>
    public static void WriteWeights(string folder, ParameterLayout layout, float[] values)
    {
        var writer = new SafetensorsWriter();
        writer.Metadata["format"] = "pt";
        var names = TensorNameMap.VisionLanguage();
        foreach (var slot in layout.Slots.Where(s => s.Module != "dense"))
        {
            using var fp32 = torch.tensor(values.AsSpan(slot.Offset, slot.Count).ToArray(), slot.Shape);
            using var bf16 = fp32.to(torch.ScalarType.BFloat16);
            writer.Add(names.ToOld(slot.Name), bf16);
        }

        writer.Write(Path.Combine(folder, "model.safetensors"));
    }

    public static (LlavaBlueprint Blueprint, ITokenizer Tokenizer) Open(string folder) =>
        (new LlavaBlueprint(CheckpointFolder.Open(folder)), TokenizerLoader.Load(folder));

    private static void Write(string folder, string name, JsonObject json) =>
        File.WriteAllText(Path.Combine(folder, name), json.ToJsonString(Indented));

    private static System.Text.Json.JsonSerializerOptions Indented { get; } =
        new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string Template =
        "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}{# Render all " +
            "images first #}{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor " +
            "%}{# Render all text next #}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ " +
            "content['text'] + ' '}}{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}";
}
