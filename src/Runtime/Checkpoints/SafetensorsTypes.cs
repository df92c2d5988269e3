using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints;

/// <summary>Element types by their safetensors name.</summary>
internal static class SafetensorsTypes
{
    /// <summary>float8 e4m3fn by its number in c10; TorchSharp has no name for it. Such tensors are read as bytes only.</summary>
    public const ScalarType Float8 = (ScalarType)24;

    private static readonly (string Name, ScalarType Type, int Size)[] Known =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1), ("F8_E4M3", Float8, 1),
    ];

    public static ScalarType? Find(string name) =>
        Array.FindIndex(Known, k => k.Name == name) is var i and >= 0 ? Known[i].Type : null;

    public static string Name(ScalarType type) => Known.First(k => k.Type == type).Name;

    public static int Size(ScalarType type) => Known.First(k => k.Type == type).Size;

    public static string All => string.Join(", ", Known.Select(k => k.Name));
}
