using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>The tensors that a checkpoint holds for one linear map, by their ending.</summary>
/// <param name="module">Canonical name of the map.</param>
/// <param name="where">The file and name of a tensor, by its canonical name; null where it is not there.</param>
internal sealed class LinearTensors(string module, Func<string, (SafetensorsFile File, string Name)?> where)
{
    /// <summary>Canonical name of the map.</summary>
    public string Module => module;

    /// <summary>A tensor's entry, or null. Its name is the file's.</summary>
    public TensorEntry? Find(string ending) => where($"{module}.{ending}") is { } found ? found.File.Find(found.Name) : null;

    /// <summary>32-bit words.</summary>
    public uint[] Words(string ending) => Read<uint>(ending);

    /// <summary>Bytes.</summary>
    public byte[] Bytes(string ending) => Read<byte>(ending);

    /// <summary>32-bit integers.</summary>
    public int[] Integers(string ending) => Read<int>(ending);

    /// <summary>64-bit integers.</summary>
    public long[] Longs(string ending) => Read<long>(ending);

    /// <summary>fp16, bfloat16 or fp32 numbers, widened (exactly) to fp32.</summary>
    public float[] Floats(string ending)
    {
        switch (Find(ending)!.Type)
        {
            case ScalarType.Float32: return Read<float>(ending);
            case ScalarType.Float16: return Array.ConvertAll(Read<Half>(ending), h => (float)h);
            default: return Array.ConvertAll(Read<ushort>(ending), b => BitConverter.UInt32BitsToSingle((uint)b << 16));
        }
    }

    /// <summary>Whether a tensor has this shape and one of these types; a problem is noted and false returned where not.</summary>
    public bool Check(string ending, long[] shape, ScalarType[] types, List<string> problems)
    {
        if (Find(ending) is not { } entry)
        {
            problems.Add($"the tensor '{module}.{ending}' of shape {Show(shape)} is missing, which the quantized '{module}' needs.");
            return false;
        }

        var fits = types.Contains(entry.Type) && entry.Shape.AsSpan().SequenceEqual(shape);
        if (!fits)
            problems.Add($"the tensor '{entry.Name}' is {SafetensorsTypes.Name(entry.Type)} of shape {Show(entry.Shape)}; the " +
                $"quantization in config.json asks for {string.Join(" or ", types.Select(SafetensorsTypes.Name))} of shape {Show(shape)}.");
        return fits;
    }

    private static string Show(long[] shape) => $"[{string.Join(", ", shape)}]";

    private T[] Read<T>(string ending)
        where T : unmanaged
    {
        var (file, name) = where($"{module}.{ending}")!.Value;
        return file.ReadArray<T>(name);
    }
}
