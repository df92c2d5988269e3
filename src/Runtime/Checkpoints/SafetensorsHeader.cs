using System.Buffers.Binary;
using System.Text.Json;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Reads and checks a safetensors header completely before anything else of the file is touched.</summary>
internal static class SafetensorsHeader
{
    private const long MaxHeader = 100L << 20;

    public static (Dictionary<string, TensorEntry> Tensors, Dictionary<string, string> Metadata) Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var length = stream.Length;
        if (length < 10) throw new SafetensorsException(path, $"it has {length} bytes; the smallest one has 10. The download may be incomplete.");
        Span<byte> prefix = stackalloc byte[8];
        stream.ReadExactly(prefix);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > MaxHeader || (long)headerLength > length - 8)
        {
            throw new SafetensorsException(path, $"its header claims {headerLength} bytes, but the file has {length - 8} after the length (limit {MaxHeader}). It may be truncated, a Git LFS pointer, or no safetensors file.");
        }

        var header = new byte[headerLength];
        stream.ReadExactly(header);
        var start = 8 + (long)headerLength;
        var tensors = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw new SafetensorsException(path, "its header is not a JSON object.");
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Name == "__metadata__")
                {
                    foreach (var m in property.Value.EnumerateObject()) metadata[m.Name] = m.Value.ToString();
                }
                else if (!tensors.TryAdd(property.Name, Entry(path, property, start, length)))
                {
                    throw new SafetensorsException(path, $"the tensor '{property.Name}' is named twice.");
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new SafetensorsException(path, $"its header cannot be read: {e.Message}", e);
        }

        TensorEntry? previous = null;
        foreach (var t in tensors.Values.Where(t => t.Bytes > 0).OrderBy(t => t.Offset))
        {
            if (previous is not null && t.Offset < previous.Offset + previous.Bytes)
                throw new SafetensorsException(path, $"the tensors '{previous.Name}' and '{t.Name}' overlap.");
            previous = t;
        }

        return (tensors, metadata);
    }

    private static TensorEntry Entry(string path, JsonProperty property, long start, long fileLength)
    {
        var name = property.Name;
        var typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        var type = SafetensorsTypes.Find(typeName)
            ?? throw new SafetensorsException(path, $"the tensor '{name}' has the type '{typeName}'; readable are {SafetensorsTypes.All}.");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())];
        var offsets = property.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2) throw new SafetensorsException(path, $"the tensor '{name}' has {offsets.GetArrayLength()} data offsets instead of 2.");
        var (begin, end) = (offsets[0].GetInt64(), offsets[1].GetInt64());
        if (begin < 0 || end < begin || end > fileLength - start)
            throw new SafetensorsException(path, $"the tensor '{name}' claims bytes {begin}..{end}, but the file holds {fileLength - start} bytes of data. It may be truncated.");
        UInt128 expected = (UInt128)SafetensorsTypes.Size(type);
        foreach (var d in shape)
        {
            if (d < 0) throw new SafetensorsException(path, $"the tensor '{name}' has a negative size in its shape [{string.Join(", ", shape)}].");
            expected = expected * (UInt128)d;
            if (expected > (UInt128)long.MaxValue) break;
        }

        if (expected != (UInt128)(end - begin))
            throw new SafetensorsException(path, $"the tensor '{name}' of shape [{string.Join(", ", shape)}] and type {typeName} needs {expected} bytes but has {end - begin}.");
        return new TensorEntry(name, type, shape, start + begin, end - begin);
    }
}
