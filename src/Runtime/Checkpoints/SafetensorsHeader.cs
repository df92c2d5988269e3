using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Reads and checks a safetensors header completely before anything else of the file is touched.</summary>
internal static class SafetensorsHeader
{
    private const long MaxHeader = 100L << 20;
    private const int MaxAxes = 16;

    public static (Dictionary<string, TensorEntry> Tensors, Dictionary<string, string> Metadata) Read(
        string path, SafeFileHandle file, long length)
    {
        if (length < 10)
            throw new SafetensorsException(path, $"it has {length} bytes; the smallest one has 10. The download may be incomplete.");
        Span<byte> prefix = stackalloc byte[8];
        ReadExactly(path, file, prefix, 0);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > MaxHeader || (long)headerLength > length - 8)
        {
            throw new SafetensorsException(
                path, $"its header claims {headerLength} bytes, but the file has {length - 8} after the length (limit {MaxHeader}). It " +
                "may be truncated, a Git LFS pointer, or no safetensors file.");
        }

        var header = new byte[headerLength];
        ReadExactly(path, file, header, 8);
        var start = 8 + (long)headerLength;
        var tensors = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var json = StrictJson.Parse(header);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new SafetensorsException(path, "its header is not a JSON object.");
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

        // As the format demands: one tensor after the other, from the header to the end of the file.
        TensorEntry? previous = null;
        var used = start;
        foreach (var t in tensors.Values.Where(t => t.Bytes > 0).OrderBy(t => t.Offset))
        {
            if (t.Offset < used) throw new SafetensorsException(path, $"the tensors '{previous!.Name}' and '{t.Name}' overlap.");
            if (t.Offset > used)
                throw new SafetensorsException(path, $"{t.Offset - used} bytes before the tensor '{t.Name}' belong to no tensor.");
            used = t.Offset + t.Bytes;
            previous = t;
        }

        if (used < length)
            throw new SafetensorsException(
                path, $"its last {length - used} bytes belong to no tensor. It may be two files in one, or its header another file's.");
        return (tensors, metadata);
    }

    private static void ReadExactly(string path, SafeFileHandle file, Span<byte> target, long from)
    {
        for (var at = 0; at < target.Length;)
        {
            var read = RandomAccess.Read(file, target[at..], from + at);
            if (read == 0) throw new SafetensorsException(path, "it ended while its header was read; another program is changing it.");
            at += read;
        }
    }

    private static TensorEntry Entry(string path, JsonProperty property, long start, long fileLength)
    {
        var name = property.Name;
        var typeName = property.Value.GetProperty("dtype").GetString() ?? "";
        var type = SafetensorsTypes.Find(typeName)
            ?? throw new SafetensorsException(path, $"the tensor '{name}' has the type '{typeName}'; readable are {SafetensorsTypes.All}.");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())];
        var offsets = property.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
            throw new SafetensorsException(path, $"the tensor '{name}' has {offsets.GetArrayLength()} data offsets instead of 2.");
        var (begin, end) = (offsets[0].GetInt64(), offsets[1].GetInt64());
        if (begin < 0 || end < begin || end > fileLength - start)
            throw new SafetensorsException(
                path, $"the tensor '{name}' claims bytes {begin}..{end}, but the file holds {fileLength - start} bytes of data. It may " +
                "be truncated.");
        if (shape.Length > MaxAxes)
            throw new SafetensorsException(path, $"the tensor '{name}' has {shape.Length} axes; at most {MaxAxes} are read.");
        // Sizes beside a zero count too: libtorch multiplies them all for its strides.
        UInt128 expected = (UInt128)SafetensorsTypes.Size(type);
        var isEmpty = false;
        foreach (var d in shape)
        {
            if (d < 0) throw new SafetensorsException(
                path, $"the tensor '{name}' has a negative size in its shape [{string.Join(", ", shape)}].");
            if (d == 0) isEmpty = true;
            else expected *= (UInt128)d;
            if (expected > (UInt128)long.MaxValue)
                throw new SafetensorsException(
                    path, $"the tensor '{name}' of shape [{string.Join(", ", shape)}] needs more bytes than there are numbers.");
        }

        if (isEmpty) expected = 0;
        if (expected != (UInt128)(end - begin))
            throw new SafetensorsException(
                path, $"the tensor '{name}' of shape [{string.Join(", ", shape)}] and type {typeName} needs {expected} bytes but has " +
                $"{end - begin}.");
        return new TensorEntry(name, type, shape, start + begin, end - begin);
    }
}
