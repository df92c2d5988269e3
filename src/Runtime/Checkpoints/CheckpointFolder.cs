using System.Text.Json;
using D2Pruner.AI.Runtime.Checkpoints.Quantized;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>A Hugging Face model folder: its JSON files and where its weights are.</summary>
public sealed class CheckpointFolder
{
    private const long MostBytes = 64L << 20;
    private const int MostProblems = 60;
    private static readonly JsonElement Empty = JsonDocument.Parse("{}").RootElement;

    private CheckpointFolder(string path, JsonElement config)
    {
        Path = path;
        Config = config;
        Quantization = QuantizationConfig.Read(path, config);
        GenerationConfig = ReadOptional("generation_config.json");
        ProcessorConfig = ReadOptional("processor_config.json");
        (PreprocessorConfig, PreprocessorName) = ImageProcessor() is { } own ? (own, "processor_config.json:image_processor")
            : (ReadOptional("preprocessor_config.json"), "preprocessor_config.json");
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>config.json.</summary>
    public JsonElement Config { get; }

    /// <summary>How the weights are quantized, or null.</summary>
    public QuantizationConfig? Quantization { get; }

    /// <summary>generation_config.json, or an empty object.</summary>
    public JsonElement GenerationConfig { get; }

    /// <summary>How images are prepared: <c>image_processor</c> of processor_config.json (transformers 5), else
    /// preprocessor_config.json, else an empty object.</summary>
    public JsonElement PreprocessorConfig { get; }

    /// <summary>Where <see cref="PreprocessorConfig"/> stands, for messages.</summary>
    internal string PreprocessorName { get; }

    /// <summary>processor_config.json, or an empty object.</summary>
    public JsonElement ProcessorConfig { get; }

    /// <summary>Opens a folder; only its JSON files are read.</summary>
    /// <exception cref="CheckpointException">It is no model folder, a JSON file is damaged, or the weights are quantized
    /// in a form that is not read.</exception>
    public static CheckpointFolder Open(string path)
    {
        if (!Directory.Exists(path))
            throw new CheckpointException(path, ["there is no such folder; give the folder that holds config.json."]);
        var file = System.IO.Path.Combine(path, "config.json");
        if (!File.Exists(file))
            throw new CheckpointException(
                path, ["it has no config.json; give the folder of a Hugging Face checkpoint (config.json, *.safetensors, " +
                    "tokenizer files)."]);
        return new CheckpointFolder(path, ReadJson(path, file));
    }

    /// <summary>The weight files: one file, or the shards of an index.</summary>
    /// <exception cref="CheckpointException">There are none, or some shards are missing.</exception>
    public IReadOnlyList<string> WeightFiles()
    {
        string File_(string name) => System.IO.Path.Combine(Path, name);
        if (File.Exists(File_("model.safetensors"))) return [File_("model.safetensors")];
        var index = File_("model.safetensors.index.json");
        if (File.Exists(index))
        {
            var json = ReadJson(Path, index);
            if (!json.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
                throw new CheckpointException(Path, ["model.safetensors.index.json has no weight_map."]);
            string[] odd = [.. map.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.String)
                .Select(p => $"model.safetensors.index.json gives '{p.Name}' as {p.Value.ValueKind}; expected the name of a file.")
                .Take(MostProblems)];
            if (odd.Length > 0) throw new CheckpointException(Path, odd);
            string[] shards = [.. map.EnumerateObject().Select(p => p.Value.GetString()!).Distinct().Order(StringComparer.Ordinal)];
            if (shards.Length == 0) throw new CheckpointException(Path, ["model.safetensors.index.json names no file."]);
            string[] bad = [.. shards.Where(s => s.Length == 0 || s != System.IO.Path.GetFileName(s))];
            if (bad.Length > 0)
                throw new CheckpointException(
                    Path, [.. bad.Select(s => $"model.safetensors.index.json names '{s}', which is not a plain file name.")]);
            string[] missing = [.. shards.Where(s => !File.Exists(File_(s)))];
            if (missing.Length > 0)
                throw new CheckpointException(
                    Path, [.. missing.Select(
                        s => $"the shard '{s}' named by model.safetensors.index.json is missing; the download may be incomplete.")]);
            return [.. shards.Select(File_)];
        }

        string[] any = [.. Directory.GetFiles(Path, "*.safetensors")
            .Where(f => !PriorFile.IsName(System.IO.Path.GetFileName(f)))
            .Order(StringComparer.Ordinal)];
        if (any.Length == 1) return any;
        var others = Directory.GetFiles(Path, "*.bin").Length + Directory.GetFiles(Path, "*.pth").Length;
        throw new CheckpointException(Path, [others > 0
            ? "it holds weights only as .bin or .pth files, which are not read; get the safetensors version of the model."
            : "it has neither model.safetensors nor model.safetensors.index.json."]);
    }

    private static JsonElement ReadJson(string folder, string file)
    {
        try
        {
            var root = StrictJson.Parse(RegularFile.ReadAllBytes(file, MostBytes)).RootElement;
            return root.ValueKind == JsonValueKind.Object
                ? root
                : throw new CheckpointException(folder, [$"{System.IO.Path.GetFileName(file)} holds {root.ValueKind}, not a JSON object."]);
        }
        catch (JsonException e)
        {
            throw new CheckpointException(folder, [$"{System.IO.Path.GetFileName(file)} is not valid JSON: {e.Message}"], e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(folder, [$"{System.IO.Path.GetFileName(file)} cannot be read: {e.Message}"], e);
        }
    }

    private JsonElement? ImageProcessor()
    {
        if (!ProcessorConfig.TryGetProperty("image_processor", out var own) || own.ValueKind == JsonValueKind.Null) return null;
        return own.ValueKind == JsonValueKind.Object
            ? own
            : throw new CheckpointException(Path, [$"processor_config.json:image_processor is {own.ValueKind}; expected an object."]);
    }

    private JsonElement ReadOptional(string name)
    {
        var file = System.IO.Path.Combine(Path, name);
        return File.Exists(file) ? ReadJson(Path, file) : Empty;
    }
}
