namespace D2Pruner.AI.Conformance;

/// <summary>A named result: an array of floats, integers or bytes with its shape.</summary>
internal sealed record Blob(Array Data, long[] Shape)
{
    public static Blob Of(float[] data, params long[] shape) => new(data, shape);

    public static Blob Of(long[] data, params long[] shape) => new(data, shape.Length == 0 ? [data.Length] : shape);

    public static Blob Of(byte[] data, params long[] shape) => new(data, shape);
}
