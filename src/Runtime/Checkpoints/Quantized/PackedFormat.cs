using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>compressed-tensors, pack-quantized: signed codes plus half the range in 32-bit words along the inputs,
/// zero points along the outputs.</summary>
/// <param name="bits">4 or 8.</param>
/// <param name="group">Inputs that share a scale; 0 for all (channel).</param>
/// <param name="symmetric">Zero points may be missing.</param>
internal sealed class PackedFormat(int bits, int group, bool symmetric) : QuantizedFormat
{
    private const string Weight = "weight_packed";
    private const string Scale = "weight_scale";
    private const string Zero = "weight_zero_point";
    private const string Index = "weight_g_idx";
    private const string Shape = "weight_shape";
    private readonly int _perWord = 32 / bits;

    public override string Description =>
        $"compressed-tensors pack-quantized, {bits} bits, {Groups(group)}, {(symmetric ? "symmetric" : "asymmetric")}";

    public override int Bits => bits;

    public override int Group => group;

    public override IReadOnlyList<string> Endings { get; } = [Weight, Scale, Zero, Index, Shape, "input_scale", "input_zero_point"];

    public override bool Holds(LinearTensors tensors) => tensors.Find(Weight) is not null;

    public override void Check(LinearTensors tensors, int outputs, int inputs, List<string> problems)
    {
        var groups = Ceiling(inputs, Size(inputs));
        tensors.Check(Weight, [outputs, Ceiling(inputs, _perWord)], [ScalarType.Int32], problems);
        tensors.Check(Scale, [outputs, groups], ScaleTypes, problems);
        // Of two groups that differ in this alone, config.json does not say which a map belongs to: the tensor does.
        if (!symmetric || tensors.Find(Zero) is not null)
        {
            if (tensors.Find(Zero)?.Type == ScalarType.Int8) tensors.Check(Zero, [outputs, groups], [ScalarType.Int8], problems);
            else tensors.Check(Zero, [Ceiling(outputs, _perWord), groups], [ScalarType.Int32, ScalarType.Int8], problems);
        }

        if (tensors.Find(Shape) is { } shape && tensors.Check(Shape, [2], [ScalarType.Int64], problems) && tensors.Longs(Shape) is var said
            && (said[0] != outputs || said[1] != inputs))
            problems.Add($"the tensor '{shape.Name}' says [{said[0]}, {said[1]}]; the configuration asks for [{outputs}, {inputs}].");
        if (tensors.Find(Index) is { } index && tensors.Check(Index, [inputs], [ScalarType.Int32], problems)
            && tensors.Integers(Index) is var of && !of.Contains(-1) && of.Any(g => g < 0 || g >= groups))
            problems.Add($"the tensor '{index.Name}' names groups beyond the {groups} that there are.");
    }

    public override QuantizedMatrix Read(LinearTensors tensors, int outputs, int inputs)
    {
        var (groups, mask, row) = (Ceiling(inputs, Size(inputs)), (1u << bits) - 1, Ceiling(inputs, _perWord));
        var words = tensors.Words(Weight);
        var codes = new byte[checked(outputs * inputs)];
        Parallel.For(0, outputs, o =>
        {
            for (var i = 0; i < inputs; i++)
                codes[o * inputs + i] = (byte)((words[o * row + i / _perWord] >> (bits * (i % _perWord))) & mask);
        });
        var of = tensors.Find(Index) is null ? null : tensors.Integers(Index);
        var zeros = tensors.Find(Zero) is null ? null : Zeros(tensors, outputs, groups, mask);
        return new QuantizedMatrix
        {
            Outputs = outputs,
            Inputs = inputs,
            Bits = bits,
            Codes = codes,
            Scales = tensors.Floats(Scale),
            Zeros = zeros?.All(z => z == 1 << (bits - 1)) == true ? null : zeros,
            GroupSize = Size(inputs),
            GroupOf = of is null || of.Contains(-1) ? null : of, // -1: not set
        };
    }

    private byte[] Zeros(LinearTensors tensors, int outputs, int groups, uint mask)
    {
        // Before April 2025 zero points lay unpacked, signed.
        if (tensors.Find(Zero)!.Type == ScalarType.Int8)
            return Array.ConvertAll(tensors.Bytes(Zero), z => (byte)((sbyte)z + (1 << (bits - 1))));
        var words = tensors.Words(Zero);
        var zeros = new byte[outputs * groups];
        for (var o = 0; o < outputs; o++)
        {
            for (var g = 0; g < groups; g++)
                zeros[o * groups + g] = (byte)((words[o / _perWord * groups + g] >> (bits * (o % _perWord))) & mask);
        }

        return zeros;
    }

    private int Size(int inputs) => group > 0 ? group : inputs;
}
