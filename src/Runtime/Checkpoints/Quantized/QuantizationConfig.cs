using System.Text.Json;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>
/// What config.json says about quantized weights. Formats that are not read are refused here, by name, before a weight file is looked for.
/// Which maps are quantized is told by the file's tensors, not by the lists of exceptions.
/// </summary>
public sealed class QuantizationConfig
{
    private const string Key = "quantization_config";
    private const string Instead =
        "Get the checkpoint in AWQ (gemm), GPTQ or compressed-tensors (pack-, int- or float-quantized), or load the 16-bit model with " +
            "Quantization = Int8 or Int4.";

    private QuantizationConfig(string method, IReadOnlyList<QuantizedFormat> formats, IReadOnlyList<string> exceptions) =>
        (Method, Formats, Exceptions) = (method, formats, exceptions);

    /// <summary><c>awq</c>, <c>gptq</c> or <c>compressed-tensors</c>.</summary>
    public string Method { get; }

    /// <summary>In words, one form a group of the configuration.</summary>
    public string Description => string.Join("; ", Formats.Select(f => f.Description).Distinct());

    /// <summary>Modules that the writer left dense, as the file lists them; for display only.</summary>
    public IReadOnlyList<string> Exceptions { get; }

    /// <summary>Bits of a weight: the smallest of all groups.</summary>
    public int Bits => Formats.Min(f => f.Bits);

    internal IReadOnlyList<QuantizedFormat> Formats { get; }

    /// <summary>Codes as the kernels would read them: those of the fewest bits; null for 8-bit floats, which are made dense.</summary>
    internal QuantizationRule? Codes =>
        Formats.MinBy(f => f.Bits) is { IsFloat8: false } f ? new QuantizationRule(f.Bits, f.Group, true) : null;

    /// <summary>Reads config.json.</summary>
    /// <param name="folder">For messages.</param>
    /// <param name="config">config.json.</param>
    /// <returns>Null where the weights are dense.</returns>
    /// <exception cref="CheckpointException">The weights are in a form that is not read.</exception>
    internal static QuantizationConfig? Read(string folder, JsonElement config)
    {
        try
        {
            if (Find(config) is not { } q) return null;
            // Old compressed-tensors files hold one configuration inside another; the outer one may name the method and what is sparse.
            if (Child(q, "config_groups") is not null || Child(q, Key) is not { } inner)
                return Parse(q, Text(q, "quant_method"));
            RefuseUnread(q);
            return Parse(inner, Text(inner, "quant_method") ?? Text(q, "quant_method"));
        }
        catch (NotSupportedException e)
        {
            throw new CheckpointException(folder, [$"its weights are quantized as {e.Message}, which is not read. {Instead}"], e);
        }
    }

    internal static QuantizedFormat? FormatOf(IReadOnlyList<QuantizedFormat> formats, LinearTensors tensors, int outputs, int inputs)
    {
        // Several groups may differ in bits: the shapes tell which is meant.
        QuantizedFormat? first = null;
        foreach (var format in formats)
        {
            if (!format.Holds(tensors)) continue;
            first ??= format;
            var problems = new List<string>();
            format.Check(tensors, outputs, inputs, problems);
            if (problems.Count == 0) return format;
        }

        return first;
    }

    // At the top, in the text model's part (OpenGVLab: llm_config), or under an older name.
    private static JsonElement? Find(JsonElement config)
    {
        foreach (var owner in new[] { config, Value(config, "text_config"), Value(config, "llm_config") })
        {
            if (owner is not { } o) continue;
            if ((Child(o, Key) ?? Child(o, "compression_config")) is { } found) return found;
        }

        return null;
    }

    private static QuantizationConfig? Parse(JsonElement q, string? named)
    {
        var method = named?.ToLowerInvariant() ?? (Child(q, "config_groups") is not null ? "compressed-tensors" : null);
        switch (method)
        {
            case "awq": return new QuantizationConfig(method, [Awq(q)], Names(q, "modules_to_not_convert"));
            case "gptq": return new QuantizationConfig(method, [Gptq(q)], Names(q, "modules_to_not_convert"));
            case "compressed-tensors": return Compressed(q);
            case "bitsandbytes": throw new NotSupportedException($"bitsandbytes ({BitsAndBytes(q)})");
            case "fp8": throw new NotSupportedException(
                Value(q, "weight_block_size") is { } b ? $"fp8 with scales for blocks of {b.GetRawText()}"
                : "fp8 in the form of quant_method 'fp8'");
            case null when Bool(q, "load_in_4bit") == true
                || Bool(q, "load_in_8bit") == true: throw new NotSupportedException($"bitsandbytes ({BitsAndBytes(q)})");
            default: throw new NotSupportedException(method is null ? "a form without quant_method" : $"'{method}'");
        }
    }

    private static AwqFormat Awq(JsonElement q)
    {
        var version = (Text(q, "version") ?? Text(q, "format") ?? "gemm").ToLowerInvariant();
        if (version != "gemm") throw new NotSupportedException($"awq in the '{version}' packing");
        var bits = Int(q, "bits") ?? Int(q, "w_bit") ?? 4;
        if (bits != 4) throw new NotSupportedException($"awq with {bits} bits");
        if (Bool(q, "zero_point") == false) throw new NotSupportedException("awq without zero points (zero_point false)");
        return new AwqFormat(Group(Int(q, "group_size") ?? Int(q, "q_group_size") ?? 128));
    }

    private static GptqFormat Gptq(JsonElement q)
    {
        var format = (Text(q, "checkpoint_format") ?? Text(q, "format") ?? "gptq").ToLowerInvariant();
        if (Bool(q, "is_marlin_format") == true) format = "marlin";
        if (format is not ("gptq" or "gptq_v2")) throw new NotSupportedException($"gptq in the '{format}' packing");
        var bits = Int(q, "bits") ?? 4;
        if (bits is not (4 or 8)) throw new NotSupportedException($"gptq with {bits} bits");
        return new GptqFormat(bits, Group(Int(q, "group_size") ?? -1), format == "gptq_v2");
    }

    private static QuantizationConfig? Compressed(JsonElement q)
    {
        var format = Text(q, "format")?.ToLowerInvariant() ?? "dense";
        RefuseUnread(q);
        if (Child(q, "config_groups") is not { } groups || !groups.EnumerateObject().Any())
            return format == "dense" ? null : throw new NotSupportedException($"compressed-tensors '{format}' without config_groups");
        var formats = new List<QuantizedFormat>();
        foreach (var group in groups.EnumerateObject())
        {
            if (group.Value.ValueKind != JsonValueKind.Object || Child(group.Value, "weights") is not { } weights) continue;
            var own = Text(group.Value, "format")?.ToLowerInvariant() ?? format;
            if (own == "dense") continue;
            formats.Add(CompressedGroup(own, weights));
        }

        return formats.Count == 0 ? null : new QuantizationConfig("compressed-tensors", formats, Names(q, "ignore"));
    }

    private static void RefuseUnread(JsonElement q)
    {
        if (Child(q, "sparsity_config") is { } sparsity && Text(sparsity, "format") is { } sparse && sparse.ToLowerInvariant() != "dense")
            throw new NotSupportedException($"compressed-tensors with the sparse form '{sparse}'");
        if (Child(q, "transform_config") is { } transform
            && transform.EnumerateObject()
            .Any(p => p.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array && p.Value.GetRawText().Length > 2))
            throw new NotSupportedException("compressed-tensors with transforms of the activations (transform_config)");
    }

    private static QuantizedFormat CompressedGroup(string format, JsonElement weights)
    {
        if (format is not ("pack-quantized" or "int-quantized" or "float-quantized"))
            throw new NotSupportedException($"compressed-tensors '{format}'");
        var (bits, type) = (Int(weights, "num_bits") ?? 8, Text(weights, "type")?.ToLowerInvariant() ?? "int");
        var size = Int(weights, "group_size");
        var strategy = Text(weights, "strategy")?.ToLowerInvariant() ?? (size is > 0 ? "group" : "channel");
        var symmetric = Bool(weights, "symmetric") ?? true;
        var packed = format == "pack-quantized";
        var fits = packed ? type == "int" && bits is 4 or 8 && strategy is "group" or "channel"
            : format == "int-quantized" ? type == "int" && bits == 8 && strategy is "channel" or "tensor"
            : type == "float" && bits == 8 && strategy is "channel" or "tensor" && symmetric;
        if (!fits) throw new NotSupportedException(
            $"compressed-tensors '{format}' with {type} weights of {bits} bits, strategy '{strategy}'{(symmetric ? "" : ", asymmetric")}");
        return packed ? new PackedFormat(bits, strategy == "group" ? Group(size ?? -1) : 0, symmetric)
            : new ByteFormat(type == "float", symmetric);
    }

    private static string BitsAndBytes(JsonElement q) =>
        Bool(q, "load_in_4bit") == true || Bool(q, "_load_in_4bit") == true ? Text(q, "bnb_4bit_quant_type") ?? "fp4" : "int8";

    private static int Group(int size) => size switch
    {
        > 0 => size,
        -1 => 0,
        _ => throw new NotSupportedException($"groups of {size}"),
    };

    private static JsonElement? Value(JsonElement e, string name) =>
        e.ValueKind == JsonValueKind.Object && e.TryGetProperty(name, out var v) && v.ValueKind != JsonValueKind.Null ? v : null;

    private static JsonElement? Child(JsonElement e, string name) => Value(e, name) is not { } child ? null
        : child.ValueKind == JsonValueKind.Object ? child
        : throw new NotSupportedException($"a form whose {name} is {child.ValueKind} instead of an object");

    private static string? Text(JsonElement e, string name) =>
        e.ValueKind == JsonValueKind.Object && e.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.String
            ? v.GetString() : null;

    private static int? Int(JsonElement e, string name) => e.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.Number
        ? v.TryGetInt32(out var i) ? i : throw new NotSupportedException($"a form with {name} {v.GetRawText()}")
        : null;

    private static bool? Bool(JsonElement e, string name) =>
        e.TryGetProperty(name, out var v) && v.ValueKind is JsonValueKind.True or JsonValueKind.False ? v.GetBoolean() : null;

    private static string[] Names(JsonElement e, string name) =>
        e.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.Array
            ? [.. v.EnumerateArray().Where(x => x.ValueKind == JsonValueKind.String).Select(x => x.GetString()!)] : [];
}
