using System.Runtime.InteropServices;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Collects tensors and writes them as one safetensors file, whole or not at all.</summary>
internal sealed class SafetensorsWriter
{
    private readonly SortedDictionary<string, (ScalarType Type, long[] Shape, byte[] Data)> _tensors = new(StringComparer.Ordinal);

    /// <summary>Metadata of the header.</summary>
    public Dictionary<string, string> Metadata { get; } = [];

    /// <summary>Adds 32-bit floats.</summary>
    public SafetensorsWriter Add(string name, float[] values, params long[] shape) =>
        Add(name, ScalarType.Float32, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    /// <summary>Adds 64-bit integers.</summary>
    public SafetensorsWriter Add(string name, long[] values, params long[] shape) =>
        Add(name, ScalarType.Int64, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    /// <summary>Adds bytes.</summary>
    public SafetensorsWriter Add(string name, byte[] values, params long[] shape) => Add(name, ScalarType.Byte, values, shape);

    /// <summary>Adds a tensor in its own type.</summary>
    public SafetensorsWriter Add(string name, Tensor tensor)
    {
        using var host = tensor.cpu();
        using var contiguous = host.contiguous();
        return Add(name, tensor.dtype, contiguous.bytes, tensor.shape);
    }

    /// <summary>Writes the file.</summary>
    /// <exception cref="IOException">The disk is full, or the target cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The target's folder may not be written.</exception>
    public void Write(string path)
    {
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            if (Metadata.Count > 0)
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in Metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }

            long offset = 0;
            foreach (var (name, t) in _tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", SafetensorsTypes.Name(t.Type));
                json.WriteStartArray("shape");
                foreach (var d in t.Shape) json.WriteNumberValue(d);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += t.Data.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (header.Length % 8 != 0) header.WriteByte((byte)' ');
        AtomicFile.Write(path, file =>
        {
            file.Write(BitConverter.GetBytes(header.Length));
            header.WriteTo(file);
            foreach (var t in _tensors.Values) file.Write(t.Data);
        });
    }

    private SafetensorsWriter Add(string name, ScalarType type, ReadOnlySpan<byte> data, long[] shape)
    {
        var bytes = SafetensorsTypes.Size(type) * shape.Aggregate(1L, (a, b) => a * b);
        if (bytes != data.Length)
            throw new ArgumentException(
                $"'{name}' of shape [{string.Join(", ", shape)}] needs {bytes} bytes, not {data.Length}.", nameof(shape));
        _tensors[name] = (type, shape, data.ToArray());
        return this;
    }
}
