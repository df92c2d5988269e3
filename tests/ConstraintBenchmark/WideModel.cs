using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;
using static TorchSharp.torch;

namespace D2Pruner.AI.ConstraintBenchmark;

/// <summary>A small Qwen2.5-VL checkpoint with a full vocabulary: embeddings and head are replaced by random ones of 151936 rows, so that a
/// step costs what a vocabulary costs.</summary>
internal static class WideModel
{
    private const int Rows = 151936;

    public static void Write(string model, string tokenizer, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in Directory.GetFiles(model)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        File.Copy(Path.Combine(tokenizer, "tokenizer.json"), Path.Combine(target, "tokenizer.json"), overwrite: true);
        Edit(Path.Combine(target, "config.json"), json =>
        {
            json["vocab_size"] = Rows;
            (json["image_token_id"], json["video_token_id"], json["vision_start_token_id"], json["vision_end_token_id"]) =
                (151655, 151656, 151652, 151653);
            (json["bos_token_id"], json["eos_token_id"]) = (151643, 151645);
        });
        Edit(Path.Combine(target, "generation_config.json"), json => json["eos_token_id"] = new JsonArray(151645, 151643));
        File.Delete(Path.Combine(target, "tokenizer_config.json"));
        using var source = SafetensorsFile.Open(Path.Combine(model, "model.safetensors"));
        var writer = new SafetensorsWriter();
        foreach (var name in source.Names)
        {
            using var stored = source.Read(name);
            using var tensor = name is "lm_head.weight" or "model.embed_tokens.weight"
                ? randn([Rows, stored.shape[1]]).mul(0.05).to(stored.dtype) : stored.alias();
            writer.Add(name, tensor);
        }

        writer.Write(Path.Combine(target, "model.safetensors"));
    }

    private static void Edit(string path, Action<JsonObject> edit)
    {
        var json = (JsonObject)JsonNode.Parse(File.ReadAllText(path))!;
        edit(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
