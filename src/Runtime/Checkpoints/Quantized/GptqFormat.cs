using D2Pruner.AI.Runtime.Kernels;
using static TorchSharp.torch;

namespace D2Pruner.AI.Runtime.Checkpoints.Quantized;

/// <summary>
/// GPTQ: codes in 32-bit words along the inputs, zero points along the outputs, low bits first. The first version stores zero points less
/// one, taken from the whole word; a column's group comes from the file where it says it.
/// </summary>
/// <param name="bits">4 or 8.</param>
/// <param name="group">Inputs that share a scale; 0 for all.</param>
/// <param name="second">Version 2: zero points as they are.</param>
internal sealed class GptqFormat(int bits, int group, bool second) : QuantizedFormat
{
    private readonly int _perWord = 32 / bits;

    public override string Description => $"gptq{(second ? "_v2" : "")}, {bits} bits, {Groups(group)}";

    public override int Bits => bits;

    public override int Group => group;

    public override IReadOnlyList<string> Endings { get; } = ["qweight", "qzeros", "scales", "g_idx"];

    public override bool Holds(LinearTensors tensors) => tensors.Find("qweight") is not null;

    public override void Check(LinearTensors tensors, int outputs, int inputs, List<string> problems)
    {
        if (inputs % _perWord != 0 || outputs % _perWord != 0)
            problems.Add($"'{tensors.Module}' has {inputs} inputs and {outputs} outputs; GPTQ packs {_perWord} to a word.");
        var groups = Ceiling(inputs, Size(inputs));
        tensors.Check("qweight", [inputs / _perWord, outputs], [ScalarType.Int32], problems);
        tensors.Check("qzeros", [groups, outputs / _perWord], [ScalarType.Int32], problems);
        tensors.Check("scales", [groups, outputs], ScaleTypes, problems);
        if (tensors.Find("g_idx") is { } index && tensors.Check("g_idx", [inputs], [ScalarType.Int32], problems)
            && tensors.Integers("g_idx").Any(g => g < 0 || g >= groups))
            problems.Add($"the tensor '{index.Name}' names groups beyond the {groups} that there are.");
    }

    public override QuantizedMatrix Read(LinearTensors tensors, int outputs, int inputs)
    {
        var (groups, mask) = (Ceiling(inputs, Size(inputs)), (1u << bits) - 1);
        var words = tensors.Words("qweight");
        var codes = new byte[checked(outputs * inputs)];
        Parallel.For(0, Ceiling(outputs, 16), block =>
        {
            // Sixteen outputs at a time: a line of words is read once.
            for (var w = 0; w < inputs / _perWord; w++)
            {
                for (var o = block * 16; o < Math.Min(outputs, block * 16 + 16); o++)
                {
                    var word = words[w * outputs + o];
                    for (var n = 0; n < _perWord; n++) codes[o * inputs + w * _perWord + n] = (byte)((word >> (bits * n)) & mask);
                }
            }
        });
        var zeroWords = tensors.Words("qzeros");
        var one = bits == 4 ? 0x11111111u : 0x01010101u;
        var scales = tensors.Floats("scales");
        var (zeros, byRow) = (new byte[outputs * groups], new float[outputs * groups]);
        for (var g = 0; g < groups; g++)
        {
            for (var o = 0; o < outputs; o++)
            {
                byRow[o * groups + g] = scales[g * outputs + o];
                var word = zeroWords[g * (outputs / _perWord) + o / _perWord];
                if (!second) word = unchecked(word + one); // on the whole word: it was taken off with borrows
                zeros[o * groups + g] = (byte)((word >> (bits * (o % _perWord))) & mask);
            }
        }

        return new QuantizedMatrix
        {
            Outputs = outputs,
            Inputs = inputs,
            Bits = bits,
            Codes = codes,
            Scales = byRow,
            Zeros = zeros.All(z => z == 1 << (bits - 1)) ? null : zeros,
            GroupSize = Size(inputs),
            GroupOf = tensors.Find("g_idx") is null ? null : tensors.Integers("g_idx"),
        };
    }

    private int Size(int inputs) => group > 0 ? group : inputs;
}
