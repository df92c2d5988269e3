using System.Text.Json;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Writes a safetensors file tensor after tensor: only sizes are known beforehand, so that a model
/// larger than the memory can pass.</summary>
internal sealed class SafetensorsStream
{
    private readonly SortedDictionary<string, (ScalarType Type, long[] Shape, Action<Stream> Write)> _tensors = new(StringComparer.Ordinal);

    /// <summary>Bytes of all tensors.</summary>
    public long Bytes => _tensors.Values.Sum(t => Size(t.Type, t.Shape));

    /// <summary>Adds a tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Shape.</param>
    /// <param name="write">Writes exactly its bytes when its turn comes; turns go by name.</param>
    public void Add(string name, ScalarType type, long[] shape, Action<Stream> write) => _tensors.Add(name, (type, shape, write));

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="written">Gets the bytes after each tensor.</param>
    /// <param name="cancellationToken">Observed between tensors.</param>
    public void Write(string path, Action<long>? written, CancellationToken cancellationToken) => AtomicFile.Write(path, file =>
    {
        var header = Header();
        file.Write(BitConverter.GetBytes((long)header.Length));
        file.Write(header);
        foreach (var (name, t) in _tensors)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var start = file.Position;
            t.Write(file);
            if (file.Position - start != Size(t.Type, t.Shape))
                throw new InvalidOperationException($"'{name}' wrote {file.Position - start} bytes instead of {Size(t.Type, t.Shape)}.");
            written?.Invoke(file.Position);
        }
    });

    private static long Size(ScalarType type, long[] shape) => SafetensorsTypes.Size(type) * shape.Aggregate(1L, (a, b) => a * b);

    private byte[] Header()
    {
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt"); // transformers refuses files without it
            json.WriteEndObject();
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
                json.WriteNumberValue(offset += Size(t.Type, t.Shape));
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (header.Length % 8 != 0) header.WriteByte((byte)' ');
        return header.ToArray();
    }
}
