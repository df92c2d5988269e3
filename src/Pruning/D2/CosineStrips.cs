using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Pruning;

/// <summary>
/// The upper triangle of the cosine matrix in strips: strip s holds rows [s * R, s * R + R) and columns [s * R, N). One code path for both
/// devices, except that a CPU compares in place and CUDA packs bits on the device, for one copy to the host per walk.
/// </summary>
internal sealed class CosineStrips : IDisposable
{
    // Held: TorchSharp's implicit scalars may be finalised while libtorch reads them.
    private static readonly Scalar Smallest = 1e-30;
    private static readonly Scalar ShortestLength = 1e-12;
    private static readonly Scalar MinusOne = -1;
    private readonly Tensor _unit;
    private readonly int _rows;
    private readonly long _scratchBytes;
    private readonly Dictionary<int, Tensor> _kept = [];

    public CosineStrips(Tensor features, int stripRows, long scratchBytes)
    {
        (_rows, _scratchBytes) = (stripRows, scratchBytes);
        Count = (int)features.shape[0];
        using var scope = NewDisposeScope();
        var full = features.to(ScalarType.Float32);
        // Dividing by the largest magnitude first keeps the squares of massive activations finite; a row of zeros has cosine 0 to all.
        var scaled = full.div(full.abs().amax([1], keepdim: true).clamp_min(Smallest));
        var squares = scaled.mul(scaled); // square() makes a Scalar in passing
        _unit = scaled.div(squares.sum(1, keepdim: true).sqrt().clamp_min(ShortestLength)).MoveToOuterDisposeScope();
        _unit.DetachFromDisposeScope();
    }

    /// <summary>N.</summary>
    public int Count { get; }

    private int StripCount => (Count + _rows - 1) / _rows;

    /// <summary>First walk: min and max over the whole matrix with its diagonal, and the cosines of the given
    /// pairs (I &lt; J, ordered by I).</summary>
    public (float Min, float Max, float[] PairCosines) Scan(List<(int I, int J)> pairs, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var (lows, highs, picked) = (new List<Tensor>(), new List<Tensor>(), new List<Tensor>());
        long keptBytes = 0;
        var next = 0;
        for (var s = 0; s < StripCount; s++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var strip = Compute(s);
            lows.Add(strip.min());
            highs.Add(strip.max());
            var (first, width) = (s * _rows, Count - s * _rows);
            var flat = new List<long>();
            for (; next < pairs.Count && pairs[next].I < first + _rows; next++)
                flat.Add((long)(pairs[next].I - first) * width + (pairs[next].J - first));
            if (flat.Count > 0)
            {
                using var index = tensor(flat.ToArray()).MovedTo(_unit.device);
                using var values = strip.view(-1);
                picked.Add(values.index_select(0, index));
            }
            var bytes = strip.numel() * sizeof(float);
            if (keptBytes + bytes <= _scratchBytes)
            {
                keptBytes += bytes;
                _kept[s] = strip;
            }
            else strip.Dispose();
        }
        var min = stack(lows).min().cpu().item<float>();
        var max = stack(highs).max().cpu().item<float>();
        return (min, max, picked.Count == 0 ? [] : cat(picked).cpu().data<float>().ToArray());
    }

    /// <summary>A later walk: adds an edge for every pair i &lt; j whose cosine is above the bound. The strips
    /// kept by the first walk are given up unless
    /// <paramref name="keepStrips"/> is true.</summary>
    public void AddEdgesAbove(
        float bound, AdjacencyBits adjacency, CancellationToken cancellationToken, bool packOnDevice = false, bool keepStrips = false)
    {
        packOnDevice |= _unit.device_type != DeviceType.CPU;
        using var scope = NewDisposeScope();
        var packed = new List<Tensor>();
        for (var s = 0; s < StripCount; s++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var held = keepStrips && _kept.ContainsKey(s);
            var strip = held ? _kept[s] : _kept.Remove(s, out var last) ? last : Compute(s);
            if (packOnDevice) packed.Add(Pack(strip, bound).flatten());
            else CompareInPlace(strip, s * _rows, bound, adjacency);
            if (!held) strip.Dispose();
        }
        if (packed.Count > 0) Unpack(MemoryMarshal.Cast<byte, ulong>(cat(packed).cpu().data<byte>().ToArray()), adjacency);
    }

    /// <summary>For every row its largest cosine to another row, [N] (DivPrune's first choice); -1 for a single row.</summary>
    public float[] LargestOffDiagonal(CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var largest = new List<Tensor>();
        for (var first = 0; first < Count; first += _rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var cosines = _unit.narrow(0, first, Math.Min(_rows, Count - first)).matmul(_unit.t());
            cosines.diagonal(first).fill_(MinusOne);
            largest.Add(cosines.amax([1]));
        }
        return cat(largest).cpu().data<float>().ToArray();
    }

    /// <summary>Cosines of one row to all rows, [N].</summary>
    public float[] Row(int index)
    {
        using var scope = NewDisposeScope();
        return _unit.matmul(_unit[index]).cpu().data<float>().ToArray();
    }

    /// <summary>All cosines, [N, N], row-major.</summary>
    public void CopyAll(Span<float> target, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using var columns = _unit.t();
        for (var first = 0; first < Count; first += _rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var rows = _unit.narrow(0, first, Math.Min(_rows, Count - first));
            using var cosines = rows.matmul(columns).cpu();
            MemoryMarshal.Cast<byte, float>(cosines.bytes).CopyTo(target[(first * Count)..]);
        }
    }

    public void Dispose()
    {
        _unit.Dispose();
        foreach (var strip in _kept.Values) strip.Dispose();
        _kept.Clear();
    }

    private Tensor Compute(int strip)
    {
        var first = strip * _rows;
        using var rows = _unit.narrow(0, first, Math.Min(_rows, Count - first));
        using var rest = _unit.narrow(0, first, Count - first);
        using var columns = rest.t();
        var cosines = rows.matmul(columns);
        cosines.DetachFromDisposeScope();
        return cosines;
    }

    private static void CompareInPlace(Tensor strip, int first, float bound, AdjacencyBits adjacency)
    {
        var (rows, width) = ((int)strip.shape[0], (int)strip.shape[1]);
        var values = MemoryMarshal.Cast<byte, float>(strip.bytes);
        var bits = new ulong[(width + 63) / 64];
        for (var r = 0; r < rows; r++)
        {
            BitCompare.Above(values.Slice(r * width, width), bound, bits);
            adjacency.AddUpper(first + r, first / 64, bits);
        }
    }

    /// <summary>[rows, width] fp32 to [rows, ceil(width / 64) * 8] bytes; bit b of a row is column b.</summary>
    private static Tensor Pack(Tensor strip, float bound)
    {
        using var scope = NewDisposeScope();
        var (rows, width) = (strip.shape[0], strip.shape[1]);
        var words = (width + 63) / 64;
        using Scalar limit = bound;
        var above = strip.gt(limit).to(ScalarType.Byte);
        if (words * 64 != width) above = nn.functional.pad(above, [0, words * 64 - width], PaddingModes.Constant, 0);
        var weights = tensor(new byte[] { 1, 2, 4, 8, 16, 32, 64, 128 }).MovedTo(strip.device);
        return above.view(rows, words * 8, 8).mul(weights).sum(-1, type: ScalarType.Byte).MoveToOuterDisposeScope();
    }

    private void Unpack(ReadOnlySpan<ulong> words, AdjacencyBits adjacency)
    {
        for (var i = 0; i < Count; i++)
        {
            var first = i / _rows * _rows;
            var width = (Count - first + 63) / 64;
            adjacency.AddUpper(i, first / 64, words[..width]);
            words = words[width..];
        }
    }
}
