using System.Diagnostics;
using System.Numerics;
using D2Pruner.AI.Runtime.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace D2Pruner.AI.Cli;

/// <summary>What a probe of three seconds measured; from it come estimates, not promises.</summary>
/// <param name="BytesPerSecond">Memory read by all cores (or the GPU).</param>
/// <param name="OperationsPerSecond">Multiplications and additions of a bfloat16 matrix product; null where libtorch does not load.</param>
/// <param name="Device">Where.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record MachineProbe(double BytesPerSecond, double? OperationsPerSecond, string Device, double Seconds)
{
    private const double SecondsEach = 1.4;
    private const int Block = 64 << 20;

    /// <summary>Measures.</summary>
    /// <param name="torchUsable">Whether libtorch loads.</param>
    /// <param name="cuda">Measure the first CUDA device instead of the processor.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static MachineProbe Run(bool torchUsable, bool cuda, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var bytes = cuda ? CudaBandwidth(cancellationToken) : Bandwidth(cancellationToken);
        var operations = torchUsable ? Product(cuda ? CUDA : CPU, cancellationToken) : (double?)null;
        return new MachineProbe(bytes, operations, cuda ? "cuda" : "cpu", watch.Elapsed.TotalSeconds);
    }

    /// <summary>Tokens a second while answering: every weight is read once a token.</summary>
    public double TokensPerSecond(KnownModel model) =>
        BytesPerSecond / (model.WeightBytes + (double)model.KvBytesPerToken * model.ImageTokens);

    /// <summary>Seconds until the first token of a question about one image of 640x480, nothing pruned; null
    /// where no product was measured.</summary>
    public double? PrefillSeconds(KnownModel model) => 2.0 * model.Parameters * (model.ImageTokens + 64) / OperationsPerSecond;

    private static double Bandwidth(CancellationToken cancellationToken)
    {
        var blocks = Enumerable.Range(0, Math.Max(1, Environment.ProcessorCount)).Select(i => new ulong[Block / sizeof(ulong)]).ToArray();
        foreach (var b in blocks) Array.Fill(b, 1ul);
        var watch = Stopwatch.StartNew();
        long read = 0;
        ulong sink = 0;
        while (watch.Elapsed.TotalSeconds < SecondsEach)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Parallel.ForEach(blocks, block => Interlocked.Add(ref sink, Sum(block)));
            read += (long)blocks.Length * Block;
        }

        GC.KeepAlive(sink);
        return read / watch.Elapsed.TotalSeconds;
    }

    private static ulong Sum(ulong[] block)
    {
        var (a, b, c, d) = (Vector<ulong>.Zero, Vector<ulong>.Zero, Vector<ulong>.Zero, Vector<ulong>.Zero);
        var n = Vector<ulong>.Count;
        for (var i = 0; i + 4 * n <= block.Length; i += 4 * n)
        {
            a += new Vector<ulong>(block, i);
            b += new Vector<ulong>(block, i + n);
            c += new Vector<ulong>(block, i + 2 * n);
            d += new Vector<ulong>(block, i + 3 * n);
        }

        return Vector.Sum(a + b + c + d);
    }

    private static double CudaBandwidth(CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var block = ones(256L << 20, dtype: ScalarType.Int8, device: CUDA);
        return Rate(() => block.max().Dispose(), 256L << 20, cuda: true, cancellationToken);
    }

    private static double Product(Device device, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (rows, inner, columns) = (512L, 4096L, 4096L);
        var a = ones(rows, inner, dtype: ScalarType.BFloat16, device: device);
        var b = ones(columns, inner, dtype: ScalarType.BFloat16, device: device);
        return Rate(() => nn.functional.linear(a, b).Dispose(), 2.0 * rows * inner * columns, device.type == DeviceType.CUDA,
            cancellationToken);
    }

    private static double Rate(Action action, double amount, bool cuda, CancellationToken cancellationToken)
    {
        action();
        if (cuda) torch.cuda.synchronize();
        var watch = Stopwatch.StartNew();
        var times = 0;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            action();
            if (cuda) torch.cuda.synchronize();
            times++;
        }
        while (watch.Elapsed.TotalSeconds < SecondsEach);
        return times * amount / watch.Elapsed.TotalSeconds;
    }
}
