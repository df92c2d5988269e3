using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>AWQ in the GEMM packing: codes and zero points in 32-bit words along the outputs, eight to a word
/// in the order 0 2 4 6 1 3 5 7.</summary>
/// <param name="group">Inputs that share a scale; 0 for all.</param>
internal sealed class AwqFormat(int group) : QuantizedFormat
{
    private const int PerWord = 8;
    private static readonly int[] OutputOfNibble = [0, 2, 4, 6, 1, 3, 5, 7];

    public override string Description => $"awq gemm, 4 bits, {Groups(group)}";

    public override int Bits => 4;

    public override int Group => group;

    public override IReadOnlyList<string> Endings { get; } = ["qweight", "qzeros", "scales"];

    public override bool Holds(LinearTensors tensors) => tensors.Find("qweight") is not null;

    public override void Check(LinearTensors tensors, int outputs, int inputs, List<string> problems)
    {
        if (outputs % PerWord != 0) problems.Add($"'{tensors.Module}' has {outputs} outputs; AWQ packs eight to a word.");
        var groups = Ceiling(inputs, Size(inputs));
        tensors.Check("qweight", [inputs, outputs / PerWord], [ScalarType.Int32], problems);
        tensors.Check("qzeros", [groups, outputs / PerWord], [ScalarType.Int32], problems);
        tensors.Check("scales", [groups, outputs], ScaleTypes, problems);
    }

    public override QuantizedMatrix Read(LinearTensors tensors, int outputs, int inputs)
    {
        var groups = Ceiling(inputs, Size(inputs));
        var words = tensors.Words("qweight");
        var codes = new byte[checked(outputs * inputs)];
        Parallel.For(0, outputs / PerWord, o =>
        {
            for (var i = 0; i < inputs; i++)
            {
                var word = words[i * (outputs / PerWord) + o];
                for (var n = 0; n < PerWord; n++) codes[(o * PerWord + OutputOfNibble[n]) * inputs + i] = (byte)((word >> (4 * n)) & 15);
            }
        });
        var zeroWords = tensors.Words("qzeros");
        var scales = tensors.Floats("scales");
        var (zeros, byRow) = (new byte[outputs * groups], new float[outputs * groups]);
        for (var g = 0; g < groups; g++)
        {
            for (var o = 0; o < outputs; o++)
            {
                byRow[o * groups + g] = scales[g * outputs + o];
                var nibble = Array.IndexOf(OutputOfNibble, o % PerWord);
                zeros[o * groups + g] = (byte)((zeroWords[g * (outputs / PerWord) + o / PerWord] >> (4 * nibble)) & 15);
            }
        }

        return new QuantizedMatrix { Outputs = outputs, Inputs = inputs, Bits = 4, Codes = codes, Scales = byRow, Zeros = zeros,
            GroupSize = Size(inputs) };
    }

    private int Size(int inputs) => group > 0 ? group : inputs;
}
