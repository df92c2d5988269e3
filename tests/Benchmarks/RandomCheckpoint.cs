using System.Text;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Models;

namespace D2Pruner.AI.Benchmarks;

/// <summary>A LLaVA-1.5 checkpoint of random bf16 weights in a temporary folder, so that benchmarks
/// go the whole way of a request.</summary>
internal sealed class RandomCheckpoint : IDisposable
{
    private const int Block = 1 << 20;

    /// <summary>Writes one.</summary>
    /// <param name="demoModel">The shipped demo model's folder: its tokenizer and processor are taken.</param>
    /// <param name="text">Decoder: hidden, intermediate, layers, heads, vocabulary.</param>
    /// <param name="vision">Tower: hidden, intermediate, layers, heads.</param>
    public RandomCheckpoint(string demoModel, (int Hidden, int Intermediate, int Layers, int Heads, int Vocabulary) text,
        (int Hidden, int Intermediate, int Layers, int Heads) vision)
    {
        Directory.CreateDirectory(Folder);
        foreach (var file in Directory.GetFiles(demoModel, "*.json")) File.Copy(file, Path.Combine(Folder, Path.GetFileName(file)));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(demoModel, "config.json")))!;
        var t = config["text_config"]!;
        (t["hidden_size"], t["intermediate_size"], t["num_hidden_layers"], t["num_attention_heads"], t["num_key_value_heads"],
            t["vocab_size"]) =
            (text.Hidden, text.Intermediate, text.Layers, text.Heads, text.Heads, text.Vocabulary);
        t["max_position_embeddings"] = 8192;
        var v = config["vision_config"]!;
        (v["hidden_size"], v["intermediate_size"], v["num_hidden_layers"], v["num_attention_heads"], v["projection_dim"]) =
            (vision.Hidden, vision.Intermediate, vision.Layers, vision.Heads, vision.Hidden);
        File.WriteAllText(Path.Combine(Folder, "config.json"), config.ToJsonString());
        WriteWeights(ModelFamilies.Read(CheckpointFolder.Open(Folder)).Plan());
    }

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), $"d2pruner-bench-{Guid.NewGuid():N}");

    public void Dispose() => Directory.Delete(Folder, true);

    private void WriteWeights(TensorPlan plan)
    {
        var tensors = plan.Tensors.Where(x => !x.Optional).ToArray();
        var header = new StringBuilder("{");
        long at = 0;
        foreach (var x in tensors)
        {
            var bytes = 2 * x.Shape.Aggregate(1L, (a, b) => a * b);
            header.Append(at > 0 ? "," : "").Append($"\"{x.Name}\":{{\"dtype\":\"BF16\",\"shape\":[{string.Join(",", x.Shape)}],\"data_offsets\":[{at},{at += bytes}]}}");
        }

        header.Append('}');
        while (header.Length % 64 != 56) header.Append(' '); // the data begins on a cache line
        using var file = File.Create(Path.Combine(Folder, "model.safetensors"));
        file.Write(BitConverter.GetBytes((long)header.Length));
        file.Write(Encoding.ASCII.GetBytes(header.ToString()));
        var (random, noise, ones) = (new Random(7), new byte[2 * Block], new byte[2 * Block]);
        for (var i = 0; i < Block; i++)
        {
            var value = BitConverter.SingleToUInt32Bits((float)((random.NextDouble() - 0.5) * 0.05));
            (noise[2 * i], noise[2 * i + 1]) = ((byte)(value >> 16), (byte)(value >> 24));
            (ones[2 * i], ones[2 * i + 1]) = (0x80, 0x3F);
        }

        foreach (var x in tensors)
        {
            var source = x.Name.Contains("norm", StringComparison.Ordinal)
                && x.Name.EndsWith("weight", StringComparison.Ordinal) ? ones : noise;
            for (var left = 2 * x.Shape.Aggregate(1L, (a, b) => a * b); left > 0; left -= source.Length)
                file.Write(source, 0, (int)Math.Min(left, source.Length));
        }
    }
}
