using System.Numerics;

namespace D2Pruner.AI.Runtime.Kernels;

/// <summary>Weights [outputs, inputs] as the kernels read them, with an optional bias. Immutable; dense ones are views of
/// memory that somebody else keeps.</summary>
internal sealed unsafe class KernelMatrix : IDisposable
{
    /// <summary>Inputs that a 4-bit kernel takes at a time: 32 halves of 4 codes. The longest segment.</summary>
    public const int Chunk = 128;

    private readonly List<NativeBuffer> _owned = [];
    private readonly object? _keeps;

    private KernelMatrix(KernelMatrixKind kind, int outputs, int inputs, object? keeps) =>
        (Kind, Outputs, Inputs, Padded, _keeps) = (kind, outputs, inputs, inputs, keeps);

    public KernelMatrixKind Kind { get; }

    public int Outputs { get; }

    public int Inputs { get; }

    /// <summary>Inputs with the zeros that fill the last group.</summary>
    public int Padded { get; private init; }

    /// <summary>Inputs of a group; whole rows where there is one.</summary>
    public int GroupSize { get; private init; }

    /// <summary>Groups of a row.</summary>
    public int Groups { get; private init; }

    /// <summary>The weights.</summary>
    public byte* Data { get; private set; }

    /// <summary>Bytes of a row of <see cref="Data"/>.</summary>
    public long RowBytes { get; private init; }

    /// <summary>[outputs, groups].</summary>
    public float* Scales { get; private set; }

    /// <summary>[outputs, groups] zero points: signed for 8 bits, 0 to 15 for 4; null where symmetric.</summary>
    public byte* Zeros { get; private set; }

    /// <summary>[padded]: the input that stands at each place, -1 for none; null where they stand in order.</summary>
    public int* Order { get; private set; }

    /// <summary>[outputs] in fp32, or bfloat16 where <see cref="BiasIsBFloat16"/> is set; null for none.</summary>
    public void* Bias { get; private set; }

    /// <summary>Type of <see cref="Bias"/>.</summary>
    public bool BiasIsBFloat16 { get; private init; }

    /// <summary>Inputs whose activations share a scale and whose products are summed as integers: at most <see cref="Chunk"/>, never of two
    /// groups. Quantized matrices only.</summary>
    public int Segment { get; private init; }

    /// <summary>Segments of a row.</summary>
    public int Segments => Padded / Segment;

    /// <summary>Bits in which quantized weights meet activations: 16; 32 (two planes of 16) for models in fp32; 8 where asked for and
    /// weights are 4-bit codes in groups of <see cref="Chunk"/>.</summary>
    public int ActivationBits { get; private init; } = 16;

    /// <summary>Whether the weights are codes with scales.</summary>
    public bool IsQuantized => Kind is KernelMatrixKind.Int8 or KernelMatrixKind.Int4;

    /// <summary>Floats before a plane's scales: its activations.</summary>
    public int ScalesAt => Padded / (ActivationBits == 8 ? 4 : 2);

    /// <summary>Floats of one plane of a prepared row over quantized weights (<see cref="ActivationRow"/>).</summary>
    public int PlaneLength => (ScalesAt + Segments * (NeedsSums ? 2 : 1) + 15) & ~15;

    /// <summary>Floats that <see cref="MatrixKernel.Prepare{T}(KernelMatrix, float*, float*)"/> writes for one row of
    /// activations.</summary>
    public int PreparedLength => IsQuantized ? PlaneLength * (ActivationBits == 32 ? 2 : 1) : (Padded + 15) & ~15;

    /// <summary>Bytes of weights, scales and zero points.</summary>
    public long Bytes => Outputs * (RowBytes + Groups * (4L + (Zeros is null ? 0 : 1))) + (Order is null ? 0 : 4L * Padded);

    /// <summary>Whether there are no zero points.</summary>
    public bool IsSymmetric => Zeros is null;

    // Zero points are taken off by the sums of a segment's activations; symmetric bytes have none.
    internal bool NeedsSums => Kind == KernelMatrixKind.Int4 || Zeros is not null;

    /// <summary>A view of dense weights.</summary>
    /// <param name="data">[outputs, inputs].</param>
    /// <param name="outputs">Outputs.</param>
    /// <param name="inputs">Inputs.</param>
    /// <param name="bfloat16">bfloat16, else fp32; the bias too.</param>
    /// <param name="bias">[outputs], or zero.</param>
    /// <param name="keeps">What keeps the memory alive.</param>
    public static KernelMatrix Dense(nint data, int outputs, int inputs, bool bfloat16, nint bias, object? keeps) =>
        new(bfloat16 ? KernelMatrixKind.BFloat16 : KernelMatrixKind.Float32, outputs, inputs, keeps)
        {
            Data = (byte*)data,
            RowBytes = (long)inputs * (bfloat16 ? 2 : 4),
            Bias = (void*)bias,
            BiasIsBFloat16 = bfloat16,
        };

    /// <summary>Whether the kernels can read a matrix; others are made dense.</summary>
    public static bool CanPack(QuantizedMatrix q) => !q.Float8 && q.Bits is 4 or 8 && FitsKernel(q.Bits, GroupOf(q)) && TryOrder(q, out _);

    /// <summary>Bytes of a packed matrix without zero points; null where the kernels do not read its groups.</summary>
    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Columns.</param>
    /// <param name="bits">4 or 8.</param>
    /// <param name="group">Columns that share a scale; 0 for whole rows.</param>
    public static long? BytesOf(long outputs, long inputs, int bits, int group)
    {
        if (group >= inputs) group = 0;
        if (!FitsKernel(bits, group)) return null;
        var padded = RoundUp(checked((int)inputs), Chunk);
        var packed = PackedGroup(bits, group, padded);
        return outputs * ((bits == 4 ? padded / 2 : padded) + (padded + packed - 1L) / packed * 4);
    }

    /// <summary>Whether activations may meet codes in 8 bits; parameters as those of <see cref="BytesOf"/>.</summary>
    public static bool TakesByteActivations(long inputs, int bits, int group)
    {
        if (group >= inputs) group = 0;
        return bits == 4 && FitsKernel(bits, group) && PackedGroup(bits, group, Chunk) == Chunk;
    }

    /// <summary>Packs some rows of a quantized matrix.</summary>
    /// <param name="q">The matrix; <see cref="CanPack"/> holds.</param>
    /// <param name="rows">The rows in their new order; null for all.</param>
    /// <param name="bias">[rows] in fp32; empty for none.</param>
    /// <param name="activationBits">Bits of activations: 8 (16 all the same where the codes' kernel has no such form), 16 or 32.</param>
    public static KernelMatrix Pack(QuantizedMatrix q, int[]? rows, ReadOnlySpan<float> bias, int activationBits = 16)
    {
        if (!CanPack(q)) throw new ArgumentException($"Groups of {q.GroupSize} in {q.Bits} bits are not the kernels'.", nameof(q));
        TryOrder(q, out var order);
        var outputs = rows?.Length ?? q.Outputs;
        var four = q.Bits == 4;
        var padded = RoundUp(q.Inputs, Chunk);
        var group = PackedGroup(q.Bits, GroupOf(q), padded);
        var groups = (padded + group - 1) / group;
        var m = new KernelMatrix(four ? KernelMatrixKind.Int4 : KernelMatrixKind.Int8, outputs, q.Inputs, null)
        {
            Padded = padded,
            GroupSize = group,
            Groups = groups,
            Segment = (int)BigInteger.GreatestCommonDivisor(group, Chunk),
            ActivationBits = activationBits == 8 && !TakesByteActivations(q.Inputs, q.Bits, GroupOf(q)) ? 16 : activationBits,
            RowBytes = four ? padded / 2 : padded,
        };
        m.Data = m.Own(outputs * m.RowBytes);
        m.Scales = (float*)m.Own(4L * outputs * groups);
        if (q.Zeros is not null) m.Zeros = m.Own((long)outputs * groups);
        if (order is not null)
        {
            m.Order = (int*)m.Own(4L * padded);
            for (var i = 0; i < padded; i++) m.Order[i] = i < order.Length ? order[i] : -1;
        }

        for (var r = 0; r < outputs; r++) m.PackRow(q, rows is null ? r : rows[r], r, order);
        m.SetBias(bias);
        return m;
    }

    public void Dispose()
    {
        foreach (var b in _owned) b.Dispose();
        _owned.Clear();
        Data = Zeros = null;
        Scales = null;
        Order = null;
        Bias = null;
    }

    private static bool FitsKernel(int bits, int group) =>
        group == 0 || (group % 32 == 0 && (bits == 8 || group % Chunk == 0 || Chunk % group == 0));

    private static int GroupOf(QuantizedMatrix q) => q.Groups == 1 ? 0 : q.GroupSize;

    private static int PackedGroup(int bits, int group, int padded) =>
        bits == 4 ? (group == 0 ? Chunk : Math.Min(group, Chunk)) : group == 0 ? padded : group;

    // Columns of one group side by side. Groups of other sizes than the format's are not the kernels'.
    private static bool TryOrder(QuantizedMatrix q, out int[]? order)
    {
        order = null;
        if (q.GroupOf is not { } of) return true;
        var monotone = true;
        var count = new int[q.Groups];
        for (var i = 0; i < of.Length; i++)
        {
            monotone &= of[i] == i / q.GroupSize;
            count[of[i]]++;
        }

        if (monotone) return true;
        for (var g = 0; g < count.Length; g++)
        {
            if (count[g] != Math.Min(q.GroupSize, q.Inputs - g * q.GroupSize)) return false;
        }

        order = [.. Enumerable.Range(0, of.Length).OrderBy(i => of[i])]; // stable
        return true;
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;

    private void PackRow(QuantizedMatrix q, int source, int row, int[]? order)
    {
        var codes = q.Codes.AsSpan(checked((int)((long)source * q.Inputs)), q.Inputs);
        var to = Data + row * RowBytes;
        var four = Kind == KernelMatrixKind.Int4;
        for (var i = 0; i < q.Inputs; i++)
        {
            var code = codes[order is null ? i : order[i]];
            if (four)
            {
                // Code of input 128 c + 32 j + l: nibble j of half l of chunk c, so that one step of the
                // kernel meets 32 consecutive activations.
                var (chunk, inChunk) = (i / Chunk, i % Chunk);
                ((ushort*)to)[chunk * 32 + inChunk % 32] |= (ushort)(code << (4 * (inChunk / 32)));
            }
            else
            {
                to[i] = (byte)(code - 128);
            }
        }

        for (var g = 0; g < Groups; g++)
        {
            // One scale for several chunks where the format's groups are longer than a chunk; none for groups that hold padding only.
            var of = Math.Min((int)((long)g * GroupSize / q.GroupSize), q.Groups - 1);
            var empty = g * GroupSize >= q.Inputs;
            var at = (long)row * Groups + g;
            Scales[at] = empty ? 0 : q.Scales[(long)source * q.Groups + of];
            if (Zeros is not null) Zeros[at] = empty ? (byte)0 : (byte)(q.Zeros![(long)source * q.Groups + of] - (four ? 0 : 128));
        }
    }

    private void SetBias(ReadOnlySpan<float> bias)
    {
        if (bias.IsEmpty) return;
        if (bias.Length != Outputs) throw new ArgumentException($"There are {bias.Length} biases for {Outputs} outputs.", nameof(bias));
        Bias = Own(4L * Outputs);
        bias.CopyTo(new Span<float>(Bias, Outputs));
    }

    private byte* Own(long bytes)
    {
        var buffer = new NativeBuffer(bytes);
        _owned.Add(buffer);
        return buffer.Pointer;
    }
}
