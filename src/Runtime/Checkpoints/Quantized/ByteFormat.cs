using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>compressed-tensors, int-quantized and float-quantized: a byte a weight, one scale a row or for
/// all. Activations keep their type.</summary>
/// <param name="float8">float8 (e4m3fn), else signed integers.</param>
/// <param name="symmetric">Zero points may be missing.</param>
internal sealed class ByteFormat(bool float8, bool symmetric) : QuantizedFormat
{
    private const string Weight = "weight";
    private const string Scale = "weight_scale";
    private const string Zero = "weight_zero_point";

    public override string Description =>
        "compressed-tensors " +
        $"{(float8 ? "float-quantized, float8" : $"int-quantized, 8 bits, {(symmetric ? "symmetric" : "asymmetric")}")}, activations kept";

    public override int Bits => 8;

    public override int Group => 0;

    public override bool IsFloat8 => float8;

    public override IReadOnlyList<string> Endings { get; } = [Weight, Scale, Zero, "input_scale", "input_zero_point"];

    private ScalarType Type => float8 ? SafetensorsTypes.Float8 : ScalarType.Int8;

    // By the type alone: a scale that is missing is named by Check.
    public override bool Holds(LinearTensors tensors) => tensors.Find(Weight)?.Type == Type;

    public override void Check(LinearTensors tensors, int outputs, int inputs, List<string> problems)
    {
        tensors.Check(Weight, [outputs, inputs], [Type], problems);
        CheckPerRow(tensors, Scale, outputs, ScaleTypes, problems);
        if (HasZeros(tensors)) CheckPerRow(tensors, Zero, outputs, [ScalarType.Int8], problems);
    }

    public override QuantizedMatrix Read(LinearTensors tensors, int outputs, int inputs)
    {
        var codes = tensors.Bytes(Weight);
        if (float8)
        {
            if (codes.AsSpan().ContainsAny((byte)0x7F, (byte)0xFF))
                throw new InvalidDataException(
                    $"the tensor '{tensors.Find(Weight)!.Name}' holds float8 values that are no numbers; the file is damaged.");
        }
        else
        {
            for (var i = 0; i < codes.Length; i++) codes[i] ^= 0x80; // signed to unsigned
        }

        byte[]? zeros = null;
        if (HasZeros(tensors)) zeros = PerRow(Array.ConvertAll(tensors.Bytes(Zero), z => (byte)(z ^ 0x80)), outputs);
        return new QuantizedMatrix
        {
            Outputs = outputs,
            Inputs = inputs,
            Bits = 8,
            Codes = codes,
            Scales = PerRow(tensors.Floats(Scale), outputs),
            Zeros = zeros?.All(z => z == 0x80) == true ? null : zeros,
            GroupSize = inputs,
            Float8 = float8,
        };
    }

    // Of two groups that differ in this alone, config.json does not say which a map belongs to: the tensor does.
    private bool HasZeros(LinearTensors tensors) => !float8 && (!symmetric || tensors.Find(Zero) is not null);

    private static void CheckPerRow(LinearTensors tensors, string ending, int outputs, ScalarType[] types, List<string> problems)
    {
        var one = tensors.Find(ending) is { Shape: [1] or [1, 1] or [] } entry ? entry.Shape : null;
        tensors.Check(ending, one ?? [outputs, 1], types, problems);
    }

    private static T[] PerRow<T>(T[] values, int outputs)
    {
        if (values.Length == outputs) return values;
        var all = new T[outputs];
        Array.Fill(all, values[0]);
        return all;
    }
}
