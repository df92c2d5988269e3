using System.Text.Json;
using D2Pruner.AI.Conformance;
using D2Pruner.AI.Runtime.Checkpoints;
using TorchSharp;

namespace D2Pruner.AI.Tests.Quantized;

/// <summary>One quantized checkpoint with the weights that it stands for (docs/quantization.md).</summary>
internal sealed class QuantizedCase(string folder)
{
    private readonly JsonElement _case = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json"))).RootElement;

    public string Name => Path.GetFileName(folder);

    public string Model => Path.Combine(folder, "model");

    public bool IsRefused => _case.TryGetProperty("refused", out var r) && r.GetBoolean();

    public string[] MessageNames => Strings("message_names");

    public string[] Quantized => Strings("quantized");

    public string[] Dense => Strings("dense_decoder_linears");

    /// <summary>All cases: below <c>quantized/</c> of the fixtures' root, or the root itself.</summary>
    public static IEnumerable<QuantizedCase> All() => FixtureFolders.Roots(FixtureKind.Plans)
        .SelectMany(root => new[] { Path.Combine(root, "quantized"), root }.Where(Directory.Exists).SelectMany(Directory.GetDirectories))
        .Where(f => File.Exists(Path.Combine(f, "case.json")) && File.Exists(Path.Combine(f, "model", "config.json")))
        .Order(StringComparer.Ordinal)
        .Select(f => new QuantizedCase(f));

    /// <summary>The exact weights: module to [outputs, inputs] in fp32.</summary>
    public Dictionary<string, (long[] Shape, float[] Values)> Weights()
    {
        using var file = SafetensorsFile.Open(Path.Combine(folder, "dense.safetensors"));
        return file.Names.ToDictionary(n => n[..^".weight".Length], n => (file.Find(n)!.Shape, file.ReadArray<float>(n)));
    }

    /// <summary>A copy whose quantized maps are dense, without a word of quantization in config.json.</summary>
    public void WriteDense(string target)
    {
        Directory.CreateDirectory(target);
        foreach (var f in Directory.GetFiles(Model)) File.Copy(f, Path.Combine(target, Path.GetFileName(f)));
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(Model, "config.json")))!.AsObject();
        foreach (var owner in new[] { config, config["text_config"]?.AsObject(), config["llm_config"]?.AsObject() })
        {
            owner?.Remove("quantization_config");
            owner?.Remove("compression_config");
        }

        File.WriteAllText(Path.Combine(target, "config.json"), config.ToJsonString());
        var writer = new SafetensorsWriter();
        var modules = Quantized.ToHashSet();
        using (var file = SafetensorsFile.Open(Path.Combine(Model, "model.safetensors")))
        {
            foreach (var name in file.Names)
            {
                var module = name[..name.LastIndexOf('.')];
                var ending = name[(module.Length + 1)..];
                if (modules.Contains(module) && (ending != "bias" || IsZero(file, name))) continue;
                using var tensor = file.Read(name);
                writer.Add(name, tensor);
            }
        }

        foreach (var (module, (shape, values)) in Weights()) writer.Add(module + ".weight", values, shape);
        writer.Write(Path.Combine(target, "model.safetensors"));
    }

    public override string ToString() => Name;

    private static bool IsZero(SafetensorsFile file, string name)
    {
        using var values = file.Read(name, torch.ScalarType.Float32);
        return values.data<float>().All(v => v == 0);
    }

    private string[] Strings(string key) => _case.TryGetProperty(key, out var v) ? [.. v.EnumerateArray().Select(x => x.GetString()!)] : [];
}
