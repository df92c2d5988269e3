using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>Writes a checkpoint with the decoder's weights in 8 or 4 bits, in the form that compressed-tensors calls pack-quantized,
/// one matrix in memory at a time.</summary>
internal sealed class CheckpointQuantizer
{
    private readonly CheckpointFolder _folder;
    private readonly CheckpointWeights _weights;
    private readonly TensorPlan _plan;
    private readonly QuantizationRule _rule;
    private readonly CancellationToken _cancellationToken;
    private readonly Func<string, int, int, QuantizationRule, Action<int, Memory<float>>, QuantizedMatrix>? _round;
    private (string Name, QuantizedMatrix Matrix)? _last;

    /// <param name="folder">The checkpoint; its weights are dense.</param>
    /// <param name="weights">Its weights, checked.</param>
    /// <param name="plan">What the model takes.</param>
    /// <param name="rule">How to round.</param>
    /// <param name="round">Rounds the matrix of a canonical name; null for <see cref="Quantizer.Matrix"/>.</param>
    /// <param name="cancellationToken">Observed between rows.</param>
    public CheckpointQuantizer(
        CheckpointFolder folder,
        CheckpointWeights weights,
        TensorPlan plan,
        QuantizationRule rule,
        Func<string, int, int, QuantizationRule, Action<int, Memory<float>>, QuantizedMatrix>? round,
        CancellationToken cancellationToken) =>
        (_folder, _weights, _plan, _rule, _round, _cancellationToken) = (folder, weights, plan, rule, round, cancellationToken);

    /// <summary>Writes the folder: weights, config.json, and every other file as it is but priors, which belong to a precision.</summary>
    /// <param name="target">A folder that is not there or is empty.</param>
    /// <param name="progress">Gets bytes written and their sum.</param>
    /// <exception cref="CheckpointException">The checkpoint is quantized already, or the target holds something.</exception>
    public void Write(string target, IProgress<(long Done, long Total)>? progress)
    {
        if (_folder.Quantization is { } own)
            throw new CheckpointException(
                _folder.Path, [$"its weights are quantized already ({own.Description}); start from the 16-bit checkpoint."]);
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            throw new IOException($"The folder '{target}' is not empty; give a new one.");
        var isNew = !Directory.Exists(target);
        Directory.CreateDirectory(target);
        try
        {
            WriteFiles(target, progress);
        }
        catch
        {
            // Nothing of it is of use, and a second try wants an empty folder.
            Clear(target, isNew);
            throw;
        }
    }

    private void WriteFiles(string target, IProgress<(long Done, long Total)>? progress)
    {
        foreach (var file in Directory.GetFiles(_folder.Path).Where(IsKept))
            AtomicFile.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        var output = new SafetensorsStream();
        var quantized = _plan.Tensors.Where(t => t.IsQuantizable).Select(t => _weights.FileName(t.Name)).ToHashSet(StringComparer.Ordinal);
        foreach (var name in _weights.Names)
        {
            var entry = _weights.Entry(name);
            if (quantized.Contains(name)) AddQuantized(output, name, entry);
            else output.Add(name, entry.Type, entry.Shape, s => _weights.CopyTo(name, s));
        }

        AtomicFile.Write(Path.Combine(target, "config.json"), Config(quantized));
        output.Write(Path.Combine(target, "model.safetensors"), done => progress?.Report((done, output.Bytes)), _cancellationToken);
    }

    private static void Clear(string target, bool isNew)
    {
        try
        {
            foreach (var file in Directory.GetFiles(target)) File.Delete(file);
            if (isNew) Directory.Delete(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to tell.
        }
    }

    private static bool IsKept(string path)
    {
        var name = Path.GetFileName(path);
        return name != "config.json" && !name.EndsWith(".safetensors", StringComparison.Ordinal)
            && !name.EndsWith(".safetensors.index.json", StringComparison.Ordinal)
            && !name.EndsWith(".bin", StringComparison.Ordinal) && !name.EndsWith(".pth", StringComparison.Ordinal)
            && !name.EndsWith(".gguf", StringComparison.Ordinal);
    }

    private void AddQuantized(SafetensorsStream output, string name, TensorEntry entry)
    {
        var module = name[..^".weight".Length];
        var (outputs, inputs, perWord) = (entry.Shape[0], entry.Shape[1], 32 / _rule.Bits);
        var groups = _rule.Group > 0 ? (inputs + _rule.Group - 1) / _rule.Group : 1;
        output.Add(module + ".weight_packed", ScalarType.Int32, [outputs, (inputs + perWord - 1) / perWord],
            s => WriteCodes(s, Matrix(name, entry)));
        output.Add(module + ".weight_scale", ScalarType.BFloat16, [outputs, groups], s => WriteScales(s, Matrix(name, entry)));
        output.Add(module + ".weight_shape", ScalarType.Int64, [2], s => s.Write(MemoryMarshal.AsBytes<long>([outputs, inputs])));
        if (!_rule.Symmetric)
            output.Add(module + ".weight_zero_point", ScalarType.Int32, [(outputs + perWord - 1) / perWord, groups],
                s => WriteZeros(s, Matrix(name, entry)));
    }

    // The tensors of a map follow one another, so one is kept.
    private QuantizedMatrix Matrix(string name, TensorEntry entry)
    {
        if (_last is { } last && last.Name == name) return last.Matrix;
        _last = null;
        using var weight = _weights.Raw(name);
        var (outputs, inputs) = ((int)entry.Shape[0], (int)entry.Shape[1]);
        var read = RowReader.Of(weight);
        var matrix = _round?.Invoke(name, outputs, inputs, _rule, read)
            ?? Quantizer.Matrix(outputs, inputs, _rule, read, _cancellationToken);
        _last = (name, matrix);
        return matrix;
    }

    private void WriteCodes(Stream stream, QuantizedMatrix m)
    {
        var perWord = 32 / m.Bits;
        var words = new uint[(m.Inputs + perWord - 1) / perWord];
        for (var r = 0; r < m.Outputs; r++)
        {
            Array.Clear(words);
            for (var i = 0; i < m.Inputs; i++) words[i / perWord] |= (uint)m.Codes[(long)r * m.Inputs + i] << (m.Bits * (i % perWord));
            stream.Write(MemoryMarshal.AsBytes<uint>(words));
        }
    }

    private static void WriteScales(Stream stream, QuantizedMatrix m) =>
        stream.Write(MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(m.Scales, BFloat16Bits.Round)));

    private static void WriteZeros(Stream stream, QuantizedMatrix m)
    {
        var perWord = 32 / m.Bits;
        var words = new uint[(m.Outputs + perWord - 1) / perWord * m.Groups];
        for (var r = 0; r < m.Outputs; r++)
        {
            for (var g = 0; g < m.Groups; g++)
                words[r / perWord * m.Groups + g] |= (uint)m.Zeros![r * m.Groups + g] << (m.Bits * (r % perWord));
        }

        stream.Write(MemoryMarshal.AsBytes<uint>(words));
    }

    private string Config(HashSet<string> quantized)
    {
        var config = JsonNode.Parse(RegularFile.ReadAllBytes(Path.Combine(_folder.Path, "config.json")))!.AsObject();
        string[] dense = [.. _plan.Tensors.Where(t => t.IsLinear && !t.IsQuantizable).Select(t => _weights.FileName(t.Name))
            .Where(n => !quantized.Contains(n)).Select(n => n[..^".weight".Length])];
        config["quantization_config"] = new JsonObject
        {
            ["quant_method"] = "compressed-tensors",
            ["format"] = "pack-quantized",
            ["quantization_status"] = "compressed",
            ["global_compression_ratio"] = null,
            ["kv_cache_scheme"] = null,
            ["ignore"] = new JsonArray([.. dense.Append("lm_head").Select(d => JsonValue.Create(d))]),
            ["config_groups"] = new JsonObject
            {
                ["group_0"] = new JsonObject
                {
                    ["targets"] = new JsonArray("Linear"),
                    ["input_activations"] = null,
                    ["output_activations"] = null,
                    ["weights"] = new JsonObject
                    {
                        ["num_bits"] = _rule.Bits,
                        ["type"] = "int",
                        ["symmetric"] = _rule.Symmetric,
                        ["strategy"] = _rule.Group > 0 ? "group" : "channel",
                        ["group_size"] = _rule.Group > 0 ? _rule.Group : null,
                        ["dynamic"] = false,
                        ["actorder"] = null,
                        ["observer"] = "minmax",
                    },
                },
            },
        };
        return config.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }
}
