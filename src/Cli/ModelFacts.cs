using System.Globalization;
using System.Text.Json.Nodes;
using D2Pruner.AI.Pruning;
using D2Pruner.AI.Runtime;
using D2Pruner.AI.Runtime.Checkpoints;
using D2Pruner.AI.Runtime.Imaging;
using D2Pruner.AI.Runtime.Kernels;
using D2Pruner.AI.Runtime.Models;
using D2Pruner.AI.Runtime.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Cli;

/// <summary>What <c>inspect</c> tells of a model; one source for the table and for JSON.</summary>
internal sealed class ModelFacts
{
    private static readonly PruningPreset[] Presets = [PruningPreset.Understanding, PruningPreset.Localization];

    private ModelFacts()
    {
    }

    public required CheckpointFolder Folder { get; init; }

    public required ModelBlueprint Blueprint { get; init; }

    public required long Parameters { get; init; }

    public required MemoryWorkload Workload { get; init; }

    public required ImagePlan Image { get; init; }

    public required ScalarType Type { get; init; }

    public required DeviceType Device { get; init; }

    /// <summary>Type of activations where an answer's next token is computed: the model's, or int8.</summary>
    public required string Activations { get; init; }

    public required MemoryVerdict Memory { get; init; }

    public required IReadOnlyList<int>? PriorLayers { get; init; }

    public required string PriorName { get; init; }

    private int VisualTokens => Image.Grids.Sum(g => g.Rows * g.Columns);

    // Sixteen bits, as the presets' rows are compared with each other and not with a device.
    private long KvBytesPerToken => 2L * Blueprint.Text.Layers * Blueprint.Text.KvHeads * Blueprint.Text.HeadDim * 2;

    private string? StoredType => Folder.Config.TryGetProperty("torch_dtype", out var dtype)
        || Folder.Config.TryGetProperty("dtype", out dtype) ? dtype.ToString() : null;

    /// <exception cref="ArgumentException">Options that a load would refuse.</exception>
    /// <exception cref="CheckpointException">It is no model that is supported.</exception>
    public static ModelFacts Read(
        string model, MemoryWorkload workload, string device, ModelPrecision precision, ModelQuantization quantization, int activationBits)
    {
        if (activationBits is not (8 or 16)) throw new ArgumentException($"--activation-bits is {activationBits}; it must be 8 or 16.");
        if (!DeviceName.IsValid(device)) throw new ArgumentException($"--device is '{device}'; expected auto, cpu, cuda or cuda:N.");
        var folder = CheckpointFolder.Open(ModelLocator.Resolve(model));
        var blueprint = ModelFamilies.Read(folder);
        var plan = blueprint.Plan();
        var cuda = device.StartsWith("cuda", StringComparison.Ordinal) || (device == "auto" && NvidiaDriver.Devices().Count > 0);
        var where = new Device(cuda ? DeviceType.CUDA : DeviceType.CPU, cuda ? DeviceName.CudaIndex(device) : -1);
        var stored = folder.Config.TryGetProperty("torch_dtype", out var dtype) || folder.Config.TryGetProperty("dtype", out dtype)
            ? dtype.ToString() : "";
        var type = precision switch
        {
            ModelPrecision.Float32 => ScalarType.Float32,
            ModelPrecision.Float16 => ScalarType.Float16,
            ModelPrecision.Auto when stored == "float32" => ScalarType.Float32,
            _ => ScalarType.BFloat16,
        };
        var codes = type == ScalarType.Float32 ? null : MemoryEstimate.Codes(folder, quantization, where.type);
        if (activationBits == 8
            && !(codes is { } c && KernelMatrix.TakesByteActivations(blueprint.Text.IntermediateSize, c.Bits, c.Group)))
            throw new ArgumentException(
                "--activation-bits is 8, which needs 4-bit weights in groups of 128 columns or a multiple of it on CPU, and a model in " +
                "16 bits. Leave it at 16, or add --quantization Int4.");
        var prior = ModelLoader.FindPrior(folder.Path, quantization);
        var bytes = MemoryEstimate.BytesOfWeights(folder, plan, type, quantization, where.type);
        return new ModelFacts
        {
            Folder = folder,
            Blueprint = blueprint,
            Parameters = plan.Parameters,
            Workload = workload,
            Image = blueprint.ImageProcessor(default).Plan(workload.Width, workload.Height),
            Type = type,
            Device = where.type,
            Activations = activationBits == 8 ? "int8" : type.ToString().ToLowerInvariant(),
            Memory = MemoryVerdict.Of(blueprint, bytes, type, where, workload, quantized: folder.Quantization is not null),
            PriorLayers = File.Exists(prior) ? [.. PriorFile.Load(prior).Layers] : null,
            PriorName = Path.GetFileName(prior),
        };
    }

    public void Print()
    {
        var text = Blueprint.Text;
        var table = Output.Facts();
        void Row(string name, string value) => table.AddEscaped(name, value);
        Row("family", Blueprint.Family);
        Row("parameters", Output.Invariant($"{Parameters:N0} ({Parameters})"));
        Row("weights", Folder.Quantization is null
            ? string.Create(CultureInfo.InvariantCulture,
                $"{Units.Short(Parameters * 2)}, {Parameters * 2:N0} bytes in 16 bit; {Units.Short(Parameters * 4)}, " +
                $"{Parameters * 4:N0} in 32 bit; with --quantization Int8 {Rounded(ModelQuantization.Int8):N0}, Int4 " +
                $"{Rounded(ModelQuantization.Int4):N0}")
            : Output.Invariant($"{Units.Bytes(Memory.Estimate.WeightBytes)} as they are loaded; {Parameters * 2:N0} if they were 16 bit"));
        if (Folder.Quantization is { } quantization)
        {
            Row("quantized", quantization.Description);
            if (quantization.Exceptions.Count > 0)
                Row("left dense", string.Join(", ", quantization.Exceptions.Take(4))
                    + (quantization.Exceptions.Count > 4 ? $" and {quantization.Exceptions.Count - 4} more" : ""));
        }

        Row("activations", Activations == "int8"
            ? $"int8 over 4-bit codes while an answer is written, {Type.ToString().ToLowerInvariant()} in prompts (docs/quantization.md)"
            : $"{Activations} (--activation-bits 8 takes them in 8 bits over 4-bit codes in groups of 128 on CPU)");
        Row("weights access", Access(Folder));
        Row("stored type", StoredType ?? "not named in config.json");
        Row("decoder", $"{text.Layers} layers, hidden {text.HiddenSize}, {text.Heads} heads, {text.KvHeads} KV heads, context " +
            $"{text.MaxPositions}");
        Row("image", $"{Workload.Width}x{Workload.Height}: {VisualTokens} visual tokens, grid " +
            $"{string.Join(" + ", Image.Grids.Select(g => $"{g.Name} {g.Rows}x{g.Columns}"))}"
            + (Image.SeparatorOffsets.Length > 0 ? $", {Image.SeparatorOffsets.Length} separators" : ""));
        foreach (var preset in Presets)
        {
            var (layer, kept) = Pruned(preset);
            Row(preset.ToString(), $"keeps {kept} of {VisualTokens} visual tokens after layer {layer - 1} (K = {layer}); KV of the " +
                $"image {Units.Bytes(KvBytesPerToken * kept)} instead of {Units.Bytes(KvBytesPerToken * VisualTokens)} in 16 bit");
        }

        Row("prior", PriorLayers is { } layers ? $"K = {string.Join(", ", layers)} ({PriorName})"
            : $"none ({PriorName} is not there): attention is not debiased");
        Verdict(Row);
        Output.Write(table);
    }

    public JsonObject ToJson()
    {
        var text = Blueprint.Text;
        var e = Memory.Estimate;
        return new JsonObject
        {
            ["folder"] = Folder.Path,
            ["family"] = Blueprint.Family,
            ["parameters"] = Parameters,
            ["stored_type"] = StoredType,
            ["weights_access"] = Access(Folder),
            ["quantization"] = Folder.Quantization?.Description,
            ["activations"] = Activations,
            ["weights"] = new JsonObject { ["bytes_16_bit"] = Parameters * 2, ["bytes_32_bit"] = Parameters * 4,
                ["bytes_int8"] = Rounded(ModelQuantization.Int8), ["bytes_int4"] = Rounded(ModelQuantization.Int4) },
            ["decoder"] = new JsonObject { ["layers"] = text.Layers, ["hidden_size"] = text.HiddenSize, ["heads"] = text.Heads,
                ["kv_heads"] = text.KvHeads, ["context"] = text.MaxPositions },
            ["image"] = new JsonObject
            {
                ["width"] = Workload.Width,
                ["height"] = Workload.Height,
                ["visual_tokens"] = VisualTokens,
                ["grids"] = new JsonArray(
                    [.. Image.Grids.Select(g => new JsonObject { ["name"] = g.Name, ["rows"] = g.Rows, ["columns"] = g.Columns })]),
                ["separators"] = Image.SeparatorOffsets.Length,
            },
            ["presets"] = new JsonArray([.. Presets.Select(p =>
            {
                var (layer, kept) = Pruned(p);
                return new JsonObject { ["preset"] = p.ToString().ToLowerInvariant(), ["layer"] = layer, ["visual_tokens_kept"] = kept,
                    ["kv_bytes"] = KvBytesPerToken * kept, ["kv_bytes_unpruned"] = KvBytesPerToken * VisualTokens };
            })]),
            ["prior_layers"] = PriorLayers is { } layers ? new JsonArray([.. layers.Select(k => JsonValue.Create(k))]) : null,
            ["memory"] = new JsonObject
            {
                ["device"] = Device == DeviceType.CUDA ? "cuda" : "cpu",
                ["precision"] = Type.ToString().ToLowerInvariant(),
                ["images"] = Workload.Images,
                ["answer_tokens"] = Workload.AnswerTokens,
                ["weight_bytes"] = e.WeightBytes,
                ["kv_bytes"] = e.KvBytesPruned,
                ["kv_bytes_unpruned"] = e.KvBytesUnpruned,
                ["work_bytes"] = e.WorkBytes,
                ["total_bytes"] = e.TotalPruned,
                ["total_bytes_unpruned"] = e.TotalUnpruned,
                ["free_bytes"] = Memory.FreeBytes,
                ["fits"] = Memory.Fits,
                ["fits_unpruned"] = Memory.FitsUnpruned,
                ["choices"] = new JsonArray([.. Memory.Choices.Select(c => JsonValue.Create(c))]),
            },
        };
    }

    private static string Access(CheckpointFolder folder)
    {
        try
        {
            return WeightsAccess.Decide(folder.WeightFiles(), null).ToString();
        }
        catch (CheckpointException)
        {
            return "no weight files here";
        }
    }

    private long Rounded(ModelQuantization quantization) =>
        MemoryEstimate.BytesOfWeights(Folder, Blueprint.Plan(), ScalarType.BFloat16, quantization, Device);

    private void Verdict(Action<string, string> row)
    {
        var e = Memory.Estimate;
        var what = $"{Workload.Images} image{(Workload.Images == 1 ? "" : "s")}, {Workload.AnswerTokens} answer tokens, " +
            $"{Type.ToString().ToLowerInvariant()} on {(Device == DeviceType.CUDA ? "cuda" : "cpu")}";
        row("memory, pruned", $"{Units.Bytes(e.TotalPruned)}: weights {Units.Short(e.WeightBytes)} + KV {Units.Short(e.KvBytesPruned)} + " +
            $"work about {Units.Short(e.WorkBytes)} ({what})");
        row("memory, unpruned", $"{Units.Bytes(e.TotalUnpruned)}: KV {Units.Short(e.KvBytesUnpruned)}");
        row("memory free", Memory.FreeBytes is { } free ? Units.Bytes(free) : "the system does not tell");
        row("verdict", Memory.FreeBytes is null ? "unknown"
            : Memory.FitsUnpruned ? "fits, with and without pruning"
            : Memory.Fits ? "fits with pruning only"
            : Memory.Choices.Count == 0 ? "does not fit, and no smaller choice does"
            : $"does not fit; what does: {string.Join("; ", Memory.Choices)}");
    }

    private (int Layer, int Kept) Pruned(PruningPreset preset)
    {
        var s = PruningSettings.FromPreset(preset);
        return (Math.Min(s.LayersBeforePruning, Blueprint.Text.Layers - 1), BudgetSplit.Split(s.Budget, [VisualTokens])[0]);
    }
}
